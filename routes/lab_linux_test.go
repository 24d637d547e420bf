package routes

import (
	"context"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/vishvananda/netns"

	"leaseroute/binding"
)

// A lab is a network namespace of its own with two access ports (acc0, acc1)
// and one core port, each a veth whose other end is in the namespace as well.
type lab struct {
	t  testing.TB
	ns netns.NsHandle
}

func newLab(t testing.TB) *lab {
	t.Helper()
	needRoot(t)
	l := &lab{t: t}
	runtime.LockOSThread() // a failure below leaves it locked, so that the thread dies
	home, err := netns.Get()
	must(t, err)
	defer home.Close()
	l.ns, err = netns.New()
	must(t, err)
	t.Cleanup(func() { l.ns.Close() })
	must(t, netns.Set(home))
	runtime.UnlockOSThread()
	l.sysctl("net/ipv6/conf/default/accept_dad", "0")
	l.sysctl("net/ipv6/conf/all/forwarding", "1")
	l.ip("link set lo up")
	for _, name := range []string{"acc0", "acc1", "core0"} {
		l.ip("link add " + name + " type veth peer name far-" + name)
		l.ip("link set " + name + " up")
		l.ip("link set far-" + name + " up")
	}
	for strings.Count(l.ip("-br link show type veth"), " UP ") < 6 { // the kernel tells of a carrier late
	}
	return l
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("LEASEROUTE_REQUIRE_ROOT") == "1" {
		t.Fatal("root is required")
	}
	t.Skip("no root")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// in runs f in the namespace.
func (l *lab) in(f func() error) {
	l.t.Helper()
	runtime.LockOSThread()
	home, err := netns.Get()
	must(l.t, err)
	defer home.Close()
	must(l.t, netns.Set(l.ns))
	failed := f()
	must(l.t, netns.Set(home))
	runtime.UnlockOSThread()
	must(l.t, failed)
}

// ip runs iproute2 and returns what it prints.
func (l *lab) ip(command string) string {
	l.t.Helper()
	var out []byte
	l.in(func() (err error) {
		if out, err = exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			l.t.Errorf("ip %s: %s", command, out)
		}
		return err
	})
	return string(out)
}

// ipBatch runs many iproute2 commands at once, one a line.
func (l *lab) ipBatch(commands string) {
	l.t.Helper()
	l.in(func() error {
		c := exec.Command("ip", "-6", "-batch", "-")
		c.Stdin = strings.NewReader(commands)
		out, err := c.CombinedOutput()
		if err != nil {
			l.t.Errorf("ip -batch: %s", out)
		}
		return err
	})
}

func (l *lab) sysctl(path, value string) {
	l.t.Helper()
	l.in(func() error { return os.WriteFile("/proc/sys/"+path, []byte(value), 0) })
}

// options are what most tests open a Kernel with.
func options() Options {
	return Options{Table: 254, Protocol: 158, Metric: 1024, Allowed: []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/33")}}
}

func linksOptions() LinksOptions {
	return LinksOptions{Access: []string{"acc*"}, Core: []string{"core*"}}
}

// open makes a Kernel in the namespace that knows what is there.
func (l *lab) open(o Options) *Kernel {
	l.t.Helper()
	k := l.openBlind(o)
	l.dump(k)
	return k
}

// openBlind makes a Kernel that has not dumped yet.
func (l *lab) openBlind(o Options) (k *Kernel) {
	l.t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	l.in(func() (err error) {
		k, err = Open(o, NewLinks(linksOptions()), logrus.NewEntry(log))
		return err
	})
	l.t.Cleanup(func() { k.Close() })
	return k
}

// dump returns all that Dump yields.
func (l *lab) dump(k *Kernel) (all []binding.Route) {
	l.t.Helper()
	must(l.t, k.Dump(context.Background(), func(part []binding.Route) error {
		all = append(all, part...)
		return nil
	}))
	return all
}

// apply applies changes, which must not break the socket.
func (l *lab) apply(k *Kernel, changes ...binding.Change) []binding.Failure {
	l.t.Helper()
	failures, err := k.Apply(context.Background(), changes)
	must(l.t, err)
	return failures
}

// ours returns the routes with our protocol number, as iproute2 shows them.
func (l *lab) ours() string {
	l.t.Helper()
	return strings.TrimSpace(l.ip("-6 route show proto 158"))
}

// change is a change for a prefix through a gateway on a port of k's.
func change(k *Kernel, op binding.Op, prefix, gateway, dev string) binding.Change {
	c := binding.Change{
		Op: op, Interface: k.links.Number(dev), ValidUntil: binding.Forever,
		Key: binding.Key{Prefix: netip.MustParsePrefix(prefix)},
	}
	if gateway != "" {
		c.NextHop = netip.MustParseAddr(gateway)
	}
	return c
}
