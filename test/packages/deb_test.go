//go:build linux

package packages

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
)

// clients is how many clients the server has.
const clients = 20

// TestDeb takes the package through its life on a machine: installed,
// configured, started, watched over, upgraded, removed.
func TestDeb(t *testing.T) {
	t.Parallel()
	labtest.NeedRoot(t)
	file, err := os.ReadFile(packageOf(t, "deb"))
	must(t, err)
	m := newMachine(t)
	m.serve(t, clients)
	m.write(t, "/root/leaseroute.deb", string(file))
	for _, step := range []struct {
		name string
		do   func(*testing.T, *machine)
	}{
		{"it is installed, and not started", installed},
		{"what is installed is whole", whole},
		{"its units are sound", sound},
		{"it starts, and what waits for the recovery waits", started},
		{"its sandbox holds", confined},
		{"a reload is in effect, or refused, and the daemon goes on", reloaded},
		{"a daemon that hangs is replaced, and so is one that crashes", watched},
		{"a bad configuration is refused once", refused},
		{"an upgrade restarts it and keeps the configuration", upgraded},
		{"without it the routes stay, and so does what was configured", removed},
		{"a purge leaves nothing", purged},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, m) }) {
			return
		}
	}
}

func installed(t *testing.T, m *machine) {
	said := m.run(t, "dpkg", "--install", "/root/leaseroute.deb")
	if !strings.Contains(said, "leaseroute is not started yet") || !strings.Contains(said, "systemctl enable --now leaseroute") {
		t.Errorf("dpkg does not say what to do next, but\n%s", said)
	}
	for _, unit := range []string{"leaseroute", "leaseroute-recovered"} {
		if active, file := m.property(t, unit, "ActiveState"), m.property(t, unit, "UnitFileState"); active != "inactive" || file != "disabled" {
			t.Errorf("%s is %s and %s, want inactive and disabled", unit, active, file)
		}
	}
	if user := m.run(t, "grep", "^leaseroute:", "/etc/passwd"); !strings.HasSuffix(user, ":/var/lib/leaseroute:/usr/sbin/nologin") {
		t.Errorf("its user is %s", user)
	}
	if out := m.run(t, "leaseroute", "check"); !strings.Contains(out, "/etc/leaseroute/leaseroute.yaml: no faults") {
		t.Errorf("the default configuration:\n%s", out)
	}
	if out, want := m.run(t, "leaseroute", "version"), "leaseroute "+describe(t)+" "; !strings.HasPrefix(out, want) {
		t.Errorf("version says %q, want %q", out, want)
	}
}

// whole looks at every file: dpkg knows its content, root owns it, and only
// root can write it.
func whole(t *testing.T, m *machine) {
	if out := m.run(t, "dpkg", "--verify", "leaseroute"); out != "" {
		t.Errorf("dpkg --verify:\n%s", out)
	}
	files := strings.Split(m.run(t, "dpkg", "--listfiles", "leaseroute"), "\n")
	for _, f := range files {
		info, err := os.Lstat(m.Path(f))
		if err != nil {
			t.Error(err)
			continue
		}
		owner := info.Sys().(*syscall.Stat_t)
		want := os.FileMode(0o644)
		if info.IsDir() || f == "/usr/bin/leaseroute" {
			want = 0o755
		}
		if owner.Uid != 0 || owner.Gid != 0 || f != "/." && info.Mode().Perm() != want {
			t.Errorf("%s belongs to %d:%d and has mode %o, want 0:0 and %o", f, owner.Uid, owner.Gid, info.Mode().Perm(), want)
		}
	}
	for _, want := range []string{
		"/usr/share/man/man8/leaseroute.8.gz", "/usr/share/man/man8/leaseroute-wait.8.gz",
		"/usr/share/doc/leaseroute/README.md", "/usr/share/doc/leaseroute/CHANGELOG.md", "/usr/share/doc/leaseroute/operations.md",
		"/usr/share/doc/leaseroute/copyright", "/usr/share/doc/leaseroute/third-party-licences",
	} {
		if !slices.Contains(files, want) {
			t.Errorf("%s is missing", want)
		}
	}
	m.run(t, "bash", "-n", "/usr/share/bash-completion/completions/leaseroute")
	if page := m.run(t, "zcat", "/usr/share/man/man8/leaseroute-wait.8.gz"); !strings.Contains(page, "--recovered") {
		t.Errorf("the page of wait is\n%s", page)
	}
	config := m.run(t, "dpkg-query", "--show", "--showformat=${Conffiles}", "leaseroute")
	for _, want := range []string{"/etc/leaseroute/leaseroute.yaml", "/etc/iproute2/rt_protos.d/leaseroute.conf"} {
		if !strings.Contains(config, want) {
			t.Errorf("%s is no configuration file to dpkg: %s", want, config)
		}
	}
}

// sound has systemd judge the units. What it says of their exposure is what
// the documentation says.
func sound(t *testing.T, m *machine) {
	const folder = "/usr/lib/systemd/system/"
	if out := m.run(t, "systemd-analyze", "verify", "--man=no", folder+"leaseroute.service", folder+"leaseroute-recovered.service"); out != "" {
		t.Errorf("systemd-analyze verify:\n%s", out)
	}
	documented, err := os.ReadFile(root + "/docs/operations.md")
	must(t, err)
	level := regexp.MustCompile(`Overall exposure level for \S+: [0-9.]+ [A-Z]+`)
	for _, unit := range []string{"leaseroute", "leaseroute-recovered"} {
		got := level.FindString(m.run(t, "systemd-analyze", "security", "--no-pager", "--offline=true", folder+unit+".service"))
		if got == "" || !strings.Contains(string(documented), got) {
			t.Errorf("docs/operations.md does not say %q", got)
		}
	}
}

func started(t *testing.T, m *machine) {
	m.write(t, "/etc/leaseroute/leaseroute.yaml", configuration)
	m.write(t, "/etc/systemd/system/announce.service", `[Unit]
Requires=leaseroute-recovered.service
After=leaseroute-recovered.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/touch /run/announced
`)
	m.run(t, "systemctl", "daemon-reload")
	m.run(t, "systemctl", "enable", "--now", "leaseroute")
	<-m.hold.Reached()
	m.run(t, "systemctl", "start", "--no-block", "announce")
	m.until(t, func() error {
		if s := m.property(t, "leaseroute-recovered", "SubState"); s != "start" {
			return fmt.Errorf("leaseroute-recovered is %s", s)
		}
		return nil
	})
	if active := m.property(t, "leaseroute", "ActiveState"); active != "active" {
		t.Errorf("in mid-answer leaseroute is %s, want active", active)
	}
	m.absent(t, "/run/announced")
	m.hold.Release()
	m.until(t, func() error {
		if s := m.property(t, "announce", "ActiveState"); s != "active" {
			return fmt.Errorf("announce is %s", s)
		}
		return nil
	})
	if n := m.routes(t); n != clients {
		t.Errorf("%d routes when what waits for them began, want %d", n, clients)
	}
	if out := m.run(t, "ip", "-6", "route", "show"); strings.Count(out, "proto leaseroute") < clients {
		t.Errorf("ip does not know the protocol's name: %s", out)
	}
}

// confined looks at what the daemon may do, and that it does all that root's
// does.
func confined(t *testing.T, m *machine) {
	pid := m.property(t, "leaseroute", "MainPID")
	status := m.run(t, "cat", "/proc/"+pid+"/status")
	for _, want := range []string{
		"CapEff:\t0000000000003400", "CapPrm:\t0000000000003400", "CapBnd:\t0000000000003400", "CapAmb:\t0000000000003400",
		"NoNewPrivs:\t1", "Seccomp:\t2",
	} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("/proc/%s/status lacks %q:\n%s", pid, want, status)
		}
	}
	if user := m.run(t, "stat", "-c", "%U:%G", "/proc/"+pid); user != "leaseroute:leaseroute" {
		t.Errorf("it runs as %s", user)
	}
	for path, want := range map[string]string{
		"/run/leaseroute": "755", "/run/leaseroute/control.sock": "660",
		"/var/lib/leaseroute": "750",
	} {
		if got := m.run(t, "stat", "-c", "%a %U:%G", path); got != want+" leaseroute:leaseroute" {
			t.Errorf("%s is %s, want %s leaseroute:leaseroute", path, got, want)
		}
	}
	if packets := m.run(t, "cat", "/proc/"+pid+"/net/packet"); !strings.Contains(packets, "\n") {
		t.Errorf("it does not watch DHCP traffic: %s", packets)
	}
	st := m.status(t, func(st control.Status) bool { return st.State == "recovered" })
	if st.OnDemand.State != "armed" || st.Servers[0].Lookup != "ready" {
		t.Errorf("on demand is %s (%s), lookups are %s (%s)", st.OnDemand.State, st.OnDemand.Error, st.Servers[0].Lookup, st.Servers[0].LookupError)
	}
	m.run(t, "setpriv", "--reuid=65534", "--regid=leaseroute", "--clear-groups", "leaseroute", "status")
	if out := m.run(t, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "leaseroute", "check"); !strings.Contains(out, "kept in /var/lib/leaseroute, which you may not read") {
		t.Errorf("to somebody else check says\n%s", out)
	}
	if log := m.run(t, "journalctl", "--no-pager", "-o", "cat", "-u", "leaseroute"); strings.Contains(log, "level=error") || strings.Contains(log, "level=warn") {
		t.Errorf("it complains:\n%s", log)
	}
}

func reloaded(t *testing.T, m *machine) {
	const config = "/etc/leaseroute/leaseroute.yaml"
	pid := m.property(t, "leaseroute", "MainPID")
	wider := strings.Replace(configuration, "allowed: [", `allowed: ["2001:db8:4000::/34", `, 1)
	m.write(t, config, wider)
	m.run(t, "systemctl", "reload", "leaseroute")
	m.until(t, func() error {
		all, err := m.Router.Routes(protocol)
		must(t, err)
		if !slices.ContainsFunc(all, func(r lab.Route) bool { return r.Blackhole && r.Prefix.String() == "2001:db8:4000::/34" }) {
			return errors.New("the new block is not covered")
		}
		return nil
	})
	m.write(t, config, wider+"ready: soon\n")
	if out, err := m.Command(m.ctx, "systemctl", "reload", "leaseroute").CombinedOutput(); err == nil {
		t.Errorf("systemctl reload is content with a fault: %s", out)
	}
	m.write(t, config, configuration)
	m.run(t, "systemctl", "reload", "leaseroute")
	m.status(t, func(st control.Status) bool { return st.State == "recovered" })
	if now := m.property(t, "leaseroute", "MainPID"); now != pid {
		t.Errorf("process %s runs after the reloads, %s before", now, pid)
	}
	if n := m.routes(t); n != clients {
		t.Errorf("%d routes, want %d", n, clients)
	}
}

func watched(t *testing.T, m *machine) {
	const dropIn = "/run/systemd/system/leaseroute.service.d/watchdog.conf"
	m.write(t, dropIn, "[Service]\nWatchdogSec=3\nRestartSec=0\n")
	m.run(t, "systemctl", "daemon-reload")
	m.run(t, "systemctl", "restart", "leaseroute")
	for _, signal := range []string{"STOP", "SEGV"} {
		pid := m.property(t, "leaseroute", "MainPID")
		m.run(t, "kill", "-"+signal, pid)
		m.until(t, func() error {
			if now, state := m.property(t, "leaseroute", "MainPID"), m.property(t, "leaseroute", "ActiveState"); now == pid || now == "0" || state != "active" {
				return fmt.Errorf("process %s got a SIG%s: now there is %s, %s", pid, signal, now, state)
			}
			return nil
		})
	}
	must(t, os.Remove(m.Path(dropIn)))
	m.run(t, "systemctl", "daemon-reload")
	if log := m.run(t, "journalctl", "--no-pager", "-u", "leaseroute"); !strings.Contains(log, "Failed with result 'watchdog'") {
		t.Error("systemd does not say that its watchdog has bitten")
	}
	m.status(t, func(st control.Status) bool { return st.State == "recovered" })
	if n := m.routes(t); n != clients {
		t.Errorf("%d routes, want %d", n, clients)
	}
}

func refused(t *testing.T, m *machine) {
	m.write(t, "/etc/leaseroute/leaseroute.yaml", configuration+"ready: soon\n")
	if out, err := m.Command(m.ctx, "systemctl", "restart", "leaseroute").CombinedOutput(); err == nil {
		t.Errorf("systemctl restart: %s", out)
	}
	if state, code := m.property(t, "leaseroute", "ActiveState"), m.property(t, "leaseroute", "ExecMainStatus"); state != "failed" || code != "2" {
		t.Errorf("leaseroute is %s, exit code %s; want failed, 2", state, code)
	}
	if n := m.routes(t); n != clients {
		t.Errorf("%d routes, want %d", n, clients)
	}
	m.write(t, "/etc/leaseroute/leaseroute.yaml", configuration)
	m.run(t, "systemctl", "restart", "leaseroute")
}

func upgraded(t *testing.T, m *machine) {
	pid := m.property(t, "leaseroute", "MainPID")
	said := m.run(t, "dpkg", "--install", "/root/leaseroute.deb")
	if strings.Contains(said, "not started") {
		t.Errorf("dpkg says:\n%s", said)
	}
	if now := m.property(t, "leaseroute", "MainPID"); now == pid || now == "0" {
		t.Errorf("after the upgrade process %s runs, before it did %s", now, pid)
	}
	if now, err := os.ReadFile(m.Path("/etc/leaseroute/leaseroute.yaml")); err != nil || string(now) != configuration {
		t.Errorf("the configuration is now %s, %v", now, err)
	}
	m.status(t, func(st control.Status) bool { return st.State == "recovered" && st.RoutesInstalled == clients })
	if n := m.routes(t); n != clients {
		t.Errorf("%d routes, want %d", n, clients)
	}
}

func removed(t *testing.T, m *machine) {
	m.run(t, "dpkg", "--remove", "leaseroute")
	m.absent(t, "/usr/bin/leaseroute", "/usr/lib/systemd/system/leaseroute.service", "/run/leaseroute",
		"/etc/systemd/system/multi-user.target.wants/leaseroute.service", "/usr/share/doc/leaseroute")
	if state := m.property(t, "leaseroute", "ActiveState"); state != "inactive" {
		t.Errorf("leaseroute is %s", state)
	}
	m.run(t, "cat", "/etc/leaseroute/leaseroute.yaml", "/var/lib/leaseroute/bindings")
	if n := m.routes(t); n != clients {
		t.Errorf("%d routes, want %d", n, clients)
	}
}

func purged(t *testing.T, m *machine) {
	m.run(t, "dpkg", "--purge", "leaseroute")
	m.absent(t, "/etc/leaseroute", "/etc/iproute2/rt_protos.d/leaseroute.conf", "/var/lib/leaseroute")
}
