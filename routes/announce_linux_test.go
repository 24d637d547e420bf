package routes

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"leaseroute/binding"
)

// A bystander is another program's socket that hears of IPv6 routes.
type bystander struct {
	*lab
	fd int
}

// listenIn opens one in the lab, with a receive buffer of that many octets, or
// 0 for the kernel's default.
func listenIn(l *lab, buffer int) *bystander {
	l.t.Helper()
	b := &bystander{lab: l}
	l.in(func() (err error) {
		if b.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE); err != nil {
			return err
		}
		if buffer > 0 {
			if err := unix.SetsockoptInt(b.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
				return err
			}
		}
		return unix.Bind(b.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: hearsRoutes})
	})
	l.t.Cleanup(b.close)
	return b
}

// close closes the socket, once.
func (b *bystander) close() {
	unix.Close(b.fd)
	b.fd = -1
}

// heard returns what has arrived, as "new 2001:db8::/56" or "gone ...".
func (b *bystander) heard() (out []string) {
	b.t.Helper()
	in := make([]byte, bufferSize)
	for {
		n, _, err := unix.Recvfrom(b.fd, in, unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			return out
		}
		if err == unix.ENOBUFS {
			continue
		}
		must(b.t, err)
		must(b.t, each(in[:n], func(m message) error {
			r, err := parseRoute(m.payload)
			word := map[uint16]string{unix.RTM_NEWROUTE: "new ", unix.RTM_DELROUTE: "gone "}[m.kind]
			out = append(out, word+r.prefix.String())
			return err
		}))
	}
}

func announce(t *testing.T, k *Kernel, repeats ...binding.Change) {
	t.Helper()
	ready, err := k.Announce(context.Background(), 1_000_000, repeats)
	if !ready || err != nil {
		t.Errorf("Announce = %t, %v", ready, err)
	}
}

// TestAnnounce (DESIGN.md rule 8) repeats changes for somebody who listens.
func TestAnnounce(t *testing.T) {
	l := newLab(t)
	o := options()
	o.FailSafe = true
	k := l.open(o)
	w := startWatch(l, k)
	standing, endless := change(k, binding.Move, home56, cpe, "acc0"), change(k, binding.Move, home60, cpe, "acc1")
	standing.ValidUntil = time.Now().Add(time.Hour)
	gone := func(p string) binding.Change { return change(k, binding.Withdraw, p, "", "acc0") }
	for _, c := range []binding.Change{standing, endless} {
		c.Op = binding.Install
		l.apply(k, c)
	}
	before := l.ours()
	b := listenIn(l, 0)
	hears := func(t *testing.T, want ...string) {
		t.Helper()
		if got := b.heard(); !slices.Equal(got, want) {
			t.Errorf("a listener heard %q, want %q", got, want)
		}
	}
	untouched := func(t *testing.T) {
		t.Helper()
		if got := l.ours(); withoutSeconds(got) != withoutSeconds(before) {
			t.Errorf("the routes are\n%s\nwere\n%s", got, before)
		}
	}

	t.Run("rule 9: routes that stand, each with the expiry that it had", func(t *testing.T) {
		announce(t, k, endless, standing)
		hears(t, "new "+home56, "new "+home60)
		untouched(t)
	})
	t.Run("a prefix that was withdrawn, and leaves nothing behind", func(t *testing.T) {
		announce(t, k, gone("2001:db8:8000:2000::/56"))
		hears(t, "new 2001:db8:8000:2000::/56", "gone 2001:db8:8000:2000::/56")
		untouched(t)
	})
	t.Run("a prefix that was withdrawn and has a route again", func(t *testing.T) {
		announce(t, k, gone(home56))
		hears(t)
		untouched(t)
	})
	t.Run("a route that somebody took is not made", func(t *testing.T) {
		announce(t, k, change(k, binding.Move, "2001:db8:8000:3000::/56", cpe, "acc0"))
		hears(t)
		untouched(t)
	})
	t.Run("rule 2: nothing outside the allowed blocks", func(t *testing.T) {
		announce(t, k, gone("2001:db8:1::/56"), change(k, binding.Move, "2001:db8:1::/56", cpe, "acc0"))
		hears(t)
	})
	t.Run("our own monitor takes it for nothing that happened", func(t *testing.T) {
		if seen := w.until(); len(seen) > 0 {
			t.Errorf("Watch reports %q", seen)
		}
		b.heard()
	})
	t.Run("rule 1: not for what somebody else holds", func(t *testing.T) {
		l.ip("-6 route add 2001:db8:8000:4000::/56 via fe80::9 dev acc1 proto static metric 77")
		l.ip("-6 route add 2001:db8:8000:5000::/56 via fe80::9 dev acc1 proto static metric 1024")
		w.until()
		b.heard()
		announce(t, k, gone("2001:db8:8000:4000::/56"), gone("2001:db8:8000:5000::/56"), change(k, binding.Move, "2001:db8:8000:5000::/56", cpe, "acc0"))
		hears(t)
		untouched(t)
	})
	if s := k.Stats(); s.Announced != 2 || s.AnnouncedGone != 1 || s.AnnounceMissed != 7 {
		t.Errorf("%d repeated, %d withdrawals, %d missed; want 2, 1, 7", s.Announced, s.AnnouncedGone, s.AnnounceMissed)
	}
}

// withoutSeconds leaves out what an expiry still has to run, but not whether
// there is one.
func withoutSeconds(routes string) string {
	var lines []string
	for line := range strings.Lines(routes) {
		fields := strings.Fields(line)
		if i := slices.Index(fields, "expires"); i >= 0 {
			fields = slices.Delete(fields, i+1, i+2)
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	return strings.Join(lines, "\n")
}

// TestLosses (DESIGN.md rule 8) finds out that others lost messages, and who.
func TestLosses(t *testing.T) {
	l := newLab(t)
	early := listenIn(l, 1)
	flood := func(k *Kernel, third, n int) {
		var changes []binding.Change
		for i := range n {
			changes = append(changes, change(k, binding.Install, fmt.Sprintf("2001:db8:8000:%x::/64", third+i), cpe, "acc0"))
		}
		l.apply(k, changes...)
	}
	before := l.open(options())
	flood(before, 0, 64)
	k := l.open(options())
	lost, by, err := k.Losses()
	if lost != 0 || len(by) != 0 || err != nil {
		t.Errorf("Losses = %d by %v, %v before anything was written since Open", lost, by, err)
	}
	flood(k, 0x100, 64)
	lost, by, err = k.Losses()
	if err != nil || lost == 0 || len(by) != 1 || by[0].Pid != os.Getpid() || by[0].Lost != lost || by[0].Program == "" {
		t.Fatalf("Losses = %d by %+v, %v; want some by this process, which can't have heard 64", lost, by, err)
	}
	if again, by, _ := k.Losses(); again != 0 || len(by) != 1 || by[0].Lost != lost {
		t.Errorf("Losses = %d by %+v although nothing happened", again, by)
	}
	listenIn(l, 1)
	early.close()
	flood(k, 0x200, 64)
	if now, by, err := k.Losses(); err != nil || now == 0 || len(by) != 1 || by[0].Lost != now {
		t.Errorf("Losses = %d by %+v, %v; want those of the new listener alone", now, by, err)
	}
	if n := k.Stats().ListenerDrops; n <= lost {
		t.Errorf("%d losses counted in all", n)
	}
}
