//go:build linux

package monitoring

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"leaseroute/test/lab"
)

const (
	alertsFile    = "../../packaging/prometheus/alerts.yaml"
	dashboardFile = "../../packaging/grafana/leaseroute.json"
	unitTests     = "alerts_test.yaml"
)

// promtool runs it and fails the test if it finds fault.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	tree, err := lab.FetchPrometheus(t.Context(), t.Output())
	must(t, err)
	command, err := tree.Promtool(args...)
	must(t, err)
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", args, err, out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func TestAlertsAreRaised(t *testing.T) {
	promtool(t, "", "check", "rules", alertsFile)
	promtool(t, "", "test", "rules", unitTests)
}

// A rule without a test may never be raised, or always.
func TestEveryAlertHasATest(t *testing.T) {
	tests := read(t, unitTests)
	names := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, alertsFile), -1)
	if len(names) == 0 {
		t.Fatal("there are no alerts")
	}
	for _, n := range names {
		if !strings.Contains(tests, n[1]) {
			t.Errorf("alert %s has no test", n[1])
		}
	}
}
