package config

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"
)

const minimal = `
interfaces: { access: ["acc*"], core: [core0] }
servers: [{ name: kea1, address: "2001:db8::1" }]
delegation: { allowed: ["2001:db8:8000::/33"] }
`

// flagsOf is the set of flags after a command line was parsed.
func flagsOf(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	Flags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	const file = minimal + "log: { level: warn }\n"
	tests := []struct {
		name, file, env string
		args            []string
		want            logrus.Level
	}{
		{"nothing but the default", minimal, "", nil, logrus.InfoLevel},
		{"the file", file, "", nil, logrus.WarnLevel},
		{"the environment over the file", file, "debug", nil, logrus.DebugLevel},
		{"the environment over the default", minimal, "debug", nil, logrus.DebugLevel},
		{"a flag over the environment", file, "debug", []string{"--log-level=error"}, logrus.ErrorLevel},
		{"a flag over the file", file, "", []string{"--log-level=error"}, logrus.ErrorLevel},
		{"an empty variable is none", file, "", nil, logrus.WarnLevel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("LEASEROUTE_LOG_LEVEL", tt.env)
			c, err := parse("x.yaml", []byte(tt.file), flagsOf(t, tt.args...))
			if err != nil {
				t.Fatal(err)
			}
			if c.Log.Level != tt.want {
				t.Errorf("level %s, want %s", c.Log.Level, tt.want)
			}
		})
	}
}

func TestFlagsReachTheirKeys(t *testing.T) {
	c, err := parse("x.yaml", []byte(minimal), flagsOf(t,
		"--log-level=trace", "--log-format=json", "--control-socket=/run/x.sock", "--state-dir=/srv/x"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Log != (Log{logrus.TraceLevel, true}) || c.Control.Socket != "/run/x.sock" || c.StateDir != "/srv/x" {
		t.Errorf("got %+v, %+v, %q", c.Log, c.Control, c.StateDir)
	}
}

func TestFlagSetWithoutOurFlags(t *testing.T) {
	if _, err := parse("x.yaml", []byte(minimal), pflag.NewFlagSet("other", pflag.ContinueOnError)); err != nil {
		t.Error(err)
	}
}

// Every scalar has a variable, and the variable's value reaches the key: one
// that no kind accepts is refused by the variable's name.
func TestEveryScalarHasAVariable(t *testing.T) {
	for _, k := range Keys() {
		if k.Env() == "" {
			continue
		}
		t.Run(k.Env(), func(t *testing.T) {
			t.Setenv(k.Env(), "\x01 no such value")
			_, err := parse("x.yaml", []byte(minimal), nil)
			prefix := "environment " + k.Env() + ": " + k.Path + ": "
			if err == nil || !strings.HasPrefix(err.Error(), prefix) || strings.Contains(err.Error(), "\n") {
				t.Errorf("parse: %v, want one fault that begins with %q", err, prefix)
			}
		})
	}
}

func TestVariablesOfEachType(t *testing.T) {
	for name, value := range map[string]string{
		"LEASEROUTE_RELAY_ID":                   "0003000102",
		"LEASEROUTE_ROUTES_METRIC":              "50",
		"LEASEROUTE_ROUTES_TABLE":               "1000",
		"LEASEROUTE_ROUTES_FAIL_SAFE":           "false",
		"LEASEROUTE_ROUTES_AGGREGATE":           "none",
		"LEASEROUTE_DELEGATION_LENGTHS":         "56",
		"LEASEROUTE_RECOVERY_GIVE_UP":           "5m",
		"LEASEROUTE_CONTROL_SOCKET":             "/run/y.sock",
		"LEASEROUTE_DELEGATION_MAX_BINDINGS":    "1000",
		"LEASEROUTE_REQUIRE_ROOT":               "1", // not ours to judge
		"LEASEROUTE_PORT_547_TCP":               "x",
		"LEASEROUTE_RECOVERY_RESYNC_INTERVAL":   "1h",
		"LEASEROUTE_DELEGATION_MAX_VALID":       "0",
		"LEASEROUTE_ROUTES_PROTOCOL":            "200",
		"LEASEROUTE_DELEGATION_DOUBTFUL":        "hold",
		"LEASEROUTE_ROUTES_ON_EXIT":             "remove",
		"LEASEROUTE_ROUTES_INSTALL_RATE":        "10",
		"LEASEROUTE_ROUTES_ADOPT_HOLD":          "1h",
		"LEASEROUTE_ROUTES_FAIL_SAFE_MARGIN":    "1m",
		"LEASEROUTE_RECOVERY_JITTER":            "1s",
		"LEASEROUTE_LOG_FORMAT":                 "json",
		"LEASEROUTE_ON_DEMAND_ENABLED":          "false", // beside another table it is worth a warning
		"LEASEROUTE_DELEGATION_MAX_PREFIXES_XX": "",
	} {
		t.Setenv(name, value)
	}
	c, err := parse("x.yaml", []byte(minimal), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
	if c.Routes.Metric != 50 || c.Routes.Table != 1000 || c.Routes.FailSafe || c.Routes.Blackhole ||
		c.Routes.Protocol != 200 || !c.Routes.RemoveOnExit || c.Routes.InstallRate != 10 {
		t.Errorf("routes: %+v", c.Routes)
	}
	if d := c.Delegation; d.MinLength != 56 || d.MaxLength != 56 || d.MaxBindings != 1000 || !d.HoldDoubtful {
		t.Errorf("delegation: %+v", d)
	}
}

func TestFaultInAnOverride(t *testing.T) {
	t.Setenv("LEASEROUTE_LOG_LEVEL", "loud")
	t.Setenv("LEASEROUTE_ROUTES_METRIC", "ten")
	t.Setenv("LEASEROUTE_ROUTES_FAIL_SAFE", "yes")
	_, err := parse("x.yaml", []byte(minimal), flagsOf(t, "--state-dir=lib"))
	if err == nil {
		t.Fatal("no fault")
	}
	want := []string{
		`flag --state-dir: state_dir: is relative (got "lib"), want an absolute path`,
		`environment LEASEROUTE_ROUTES_METRIC: routes.metric: is not a whole number (got "ten"), want a whole number from 1 to 16777215`,
		`environment LEASEROUTE_ROUTES_FAIL_SAFE: routes.fail_safe: is neither true nor false (got "yes"), want true or false`,
		`environment LEASEROUTE_LOG_LEVEL: log.level: is not known (got "loud"), want error, warn, info, debug or trace`,
	}
	if diff := gocmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStrayVariablesAreWarnedAbout(t *testing.T) {
	t.Setenv("LEASEROUTE_ROUTES_METRIK", "5")
	t.Setenv("LEASEROUTE_SERVERS", "kea1")
	c, err := parse("x.yaml", []byte(minimal), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{
		"environment LEASEROUTE_ROUTES_METRIK: unknown variable, ignored, did you mean LEASEROUTE_ROUTES_METRIC?": true,
		"environment LEASEROUTE_SERVERS: servers is a list and can't be set here, ignored":                        true,
	}
	got := make(map[string]bool)
	for _, w := range c.Warnings {
		got[w] = true
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
