package routes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"leaseroute/binding"
)

// mixed returns changes of which every third one goes to a link that is down,
// and every fifth has a gateway that the kernel refuses.
func mixed(k *Kernel, n int) (changes []binding.Change, want []binding.Failure) {
	for i := range n {
		c := change(k, binding.Install, fmt.Sprintf("2001:db8:8000:%x::/64", i), cpe, "acc0")
		switch {
		case i%3 == 0:
			c.Interface = k.links.Number("acc1")
			want = append(want, binding.Failure{Index: i, Reason: binding.InterfaceDown})
		case i%5 == 0:
			c = change(k, binding.Install, c.Key.Prefix.String(), "2001:db8:77::1", "acc0")
			want = append(want, binding.Failure{Index: i, Reason: binding.KernelRefused})
		}
		changes = append(changes, c)
	}
	return changes, want
}

func compareFailures(t *testing.T, got, want []binding.Failure) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d failures, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Index != want[i].Index || got[i].Reason != want[i].Reason {
			t.Fatalf("failure %d is %+v, want %+v", i, got[i], want[i])
		}
		if got[i].Detail == "" {
			t.Errorf("failure %d does not say why", i)
		}
	}
}

func TestFailuresFindTheirChange(t *testing.T) {
	l := newLab(t)
	l.ip("link set acc1 down")
	k := l.open(options())
	changes, want := mixed(k, 1000)
	compareFailures(t, l.apply(k, changes...), want)
	if got := len(l.dump(k)); got != len(changes)-len(want) {
		t.Errorf("%d routes, want %d", got, len(changes)-len(want))
	}
	s := k.Stats()
	if s.Refused[binding.InterfaceDown] != 334 || s.Installed != uint64(len(changes)-len(want)) {
		t.Errorf("counters %+v", s)
	}
	if s.Batches != 5 || s.Messages != 1000 {
		t.Errorf("%d messages in %d batches", s.Messages, s.Batches)
	}
}

func TestEveryMessageFails(t *testing.T) {
	l := newLab(t)
	l.ip("link set acc1 down")
	k := l.open(options())
	changes, _ := mixed(k, 900)
	var want []binding.Failure
	for i := range changes {
		changes[i].Interface, changes[i].NextHop = k.links.Number("acc1"), changes[1].NextHop
		want = append(want, binding.Failure{Index: i, Reason: binding.InterfaceDown})
	}
	compareFailures(t, l.apply(k, changes...), want)
	if k.Stats().LostAcks != 0 {
		t.Error("answers were lost")
	}
}

func TestLostAnswers(t *testing.T) {
	l := newLab(t)
	l.ip("link set acc1 down")
	k := l.open(options())
	must(t, unix.SetsockoptInt(k.socket.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1))
	changes, want := mixed(k, 600)
	compareFailures(t, l.apply(k, changes...), want)
	if got := len(strings.Split(l.ours(), "\n")); got != len(changes)-len(want) {
		t.Errorf("rule 10: %d routes, want %d", got, len(changes)-len(want))
	}
	if k.Stats().LostAcks == 0 {
		t.Error("no answer was lost: the test is none")
	}
	for i := range changes {
		changes[i].Op = binding.Withdraw
	}
	if f := l.apply(k, changes...); f != nil || l.ours() != "" {
		t.Errorf("failures %+v", f)
	}
}

func TestInstallRate(t *testing.T) {
	l := newLab(t)
	o := options()
	o.InstallRate = 100
	k := l.open(o)
	if k.batch != 5 {
		t.Errorf("batches of %d, want 5: a twentieth of a second", k.batch)
	}
	changes, _ := mixed(k, 50)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := k.Apply(ctx, changes); !errors.Is(err, context.Canceled) {
		t.Errorf("Apply = %v after the end of its context", err)
	}
}

// TestInstallRatePacesRemovals has a rate that lets two messages pass and makes
// the third wait beyond the end of its context.
func TestInstallRatePacesRemovals(t *testing.T) {
	l := newLab(t)
	k := l.open(options())
	var there, gone []binding.Change
	for _, p := range []string{"2001:db8:8000:100::/56", "2001:db8:8000:200::/56", "2001:db8:8000:300::/56", "2001:db8:8000:400::/56", "2001:db8:8000:500::/56"} {
		there, gone = append(there, change(k, binding.Install, p, cpe, "acc0")), append(gone, change(k, binding.Withdraw, p, "", "acc0"))
	}
	l.apply(k, there...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	left := func(want int) {
		t.Helper()
		if n := len(strings.Split(l.ours(), "\n")); n != want {
			t.Errorf("%d routes are left, want %d", n, want)
		}
	}
	slow := func() { k.batch, k.limiter = 2, rate.NewLimiter(1.0/86400, 2) }
	slow()
	if _, err := k.Apply(ctx, gone); err == nil {
		t.Error("Apply removed all routes at once")
	}
	left(3)
	slow()
	if err := k.RemoveAll(ctx); err == nil {
		t.Error("RemoveAll removed all routes at once")
	}
	left(1)
}
