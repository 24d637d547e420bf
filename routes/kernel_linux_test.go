package routes

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

// withoutNetAdmin runs f on a thread that lacks CAP_NET_ADMIN.
func (l *lab) withoutNetAdmin(f func() error) {
	l.t.Helper()
	l.in(func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var all [2]unix.CapUserData
		if err := unix.Capget(&header, &all[0]); err != nil {
			return err
		}
		fewer := all
		fewer[0].Effective &^= 1 << unix.CAP_NET_ADMIN
		if err := unix.Capset(&header, &fewer[0]); err != nil {
			return err
		}
		return errors.Join(f(), unix.Capset(&header, &all[0]))
	})
}

func TestOpenWithoutCapability(t *testing.T) {
	l := newLab(t)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(entries)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	before := open()
	l.withoutNetAdmin(func() error {
		_, err := Open(options(), NewLinks(linksOptions()), logrus.NewEntry(log))
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
			t.Errorf("Open = %v", err)
		}
		return nil
	})
	if now := open(); now != before {
		t.Errorf("%d descriptors, were %d", now, before)
	}
}

func TestRefresh(t *testing.T) {
	l := newLab(t)
	l.ip("tuntap add acc9 mode tun")
	l.ip("link set acc9 up")
	l.ip("link set acc1 down")
	l.loseCarrier("far-acc1")
	l.ip("-6 addr add 2001:db8:1::1/64 dev acc0")
	l.ip("-6 addr add 2001:db8:2::1 peer 2001:db8:2::2/128 dev acc9")
	links := NewLinks(linksOptions())
	if len(links.Interfaces()) != 0 {
		t.Error("interfaces before the first Refresh")
	}
	l.in(links.Refresh)
	want := map[string]string{
		"acc0": "access up 2001:db8:1::1/64", "acc1": "access", "acc9": "access point-to-point 2001:db8:2::1/128",
		"core0": "core up", "far-acc0": "up", "far-acc1": "", "far-core0": "up", "lo": "up",
	}
	for _, i := range links.Interfaces() {
		var words []string
		for _, w := range []struct {
			is   bool
			word string
		}{{i.Access, "access"}, {i.Core, "core"}, {i.Up, "up"}, {i.PointToPoint, "point-to-point"}} {
			if w.is {
				words = append(words, w.word)
			}
		}
		for _, a := range i.Addresses {
			words = append(words, a.String())
		}
		if got := strings.Join(words, " "); got != want[i.Name] {
			t.Errorf("%s is %q, want %q", i.Name, got, want[i.Name])
		}
		delete(want, i.Name)
	}
	if len(want) != 0 {
		t.Errorf("missing: %v", want)
	}
	if n := links.ResolveAddress(netip.MustParseAddr("2001:db8:2::2")); links.Name(n) != "acc9" {
		t.Errorf("the far end of a point-to-point link is on %q", links.Name(n))
	}
}

func TestDescribe(t *testing.T) {
	l := newLab(t)
	o := options()
	o.FailSafe = true
	k := l.open(o)
	c := change(k, binding.Install, home56, cpe, "acc0")
	l.apply(k, c)
	l.ip("-6 route add blackhole 2001:db8:8000:200::/56")
	l.ip("-6 route add unreachable 2001:db8:8000:300::/56")
	l.ip("-6 route add 2001:db8:8000:400::/56 via fe80::7 dev acc1 proto 99 metric 5 expires 3600")
	tests := map[string]string{
		home56:                        home56 + " via fe80::2 dev acc0 proto 158 metric 1024",
		"2001:db8:8000:100::5/128":    home56 + " via fe80::2 dev acc0 proto 158 metric 1024",
		"2001:db8:8000:200::/56":      "a blackhole route drops it",
		"2001:db8:8000:300::/56":      "no route",
		"2001:db8:8000:4f0::/60":      "2001:db8:8000:400::/56 via fe80::7 dev acc1 proto 99 metric 5 expires 1h0m0s",
		"2001:db8:9000::/56":          "no route",
		"2001:db8:9000::ffff:1/128":   "no route",
		"2001:db8:8000:100:8000::/65": home56 + " via fe80::2 dev acc0 proto 158 metric 1024",
	}
	for p, want := range tests {
		l.in(func() error {
			got, err := Describe(unix.RT_TABLE_MAIN, netip.MustParsePrefix(p))
			if err != nil || got != want {
				t.Errorf("Describe(%s) = %q, %v; want %q", p, got, err, want)
			}
			return nil
		})
	}
	if _, err := Describe(unix.RT_TABLE_MAIN, netip.Prefix{}); err == nil {
		t.Error("no prefix is described")
	}
}
