package agent

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/config"
)

// TestWatchdogOfStuckOwner holds up the owner's loop, as an endless step of its
// own would, and lets it go on.
func TestWatchdogOfStuckOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		a := idleAgent(t, ctx)
		var beats atomic.Int64
		over := make(chan struct{})
		go func() { beat(ctx, 30*time.Second, a.alive, func() { beats.Add(1) }); close(over) }()
		heard := func(within time.Duration) int64 {
			before := beats.Load()
			time.Sleep(within)
			synctest.Wait()
			return beats.Load() - before
		}
		if n := heard(5 * time.Minute); n != 10 {
			t.Errorf("in 5 minutes the watchdog was told %d times that the daemon lives, want 10", n)
		}
		release := make(chan struct{}) // closed when the owner may go on
		go func() { _ = a.call(ctx, func() { <-release }) }()
		if n := heard(time.Hour); n != 0 {
			t.Errorf("while the owner was stuck the watchdog was told %d times that the daemon lives", n)
		}
		close(release)
		if n := heard(time.Minute); n < 2 {
			t.Errorf("in the minute after it the watchdog was told %d times that the daemon lives, want 2 or more", n)
		}
		stop()
		<-over
		<-a.stopped
	})
}

// TestReadyWhenRecovered listens to what systemd hears when ready means
// recovered: to wait, and then READY=1 once.
func TestReadyWhenRecovered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify.sock")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	heard := func(want string) {
		t.Helper()
		b := make([]byte, 128)
		if n, err := socket.Read(b); string(b[:n]) != want {
			t.Errorf("systemd hears %q, %v; want %q", b[:n], err, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		a := idleAgent(t, ctx)
		over := make(chan struct{})
		go func() { a.readyWhenRecovered(ctx); close(over) }()
		for range 3 {
			synctest.Wait()
			heard("EXTEND_TIMEOUT_USEC=30000000")
			time.Sleep(startPatience / 3)
		}
		if err := a.call(ctx, func() {
			r := a.owner.recovery
			r.enter(Recovering)
			r.check(time.Now(), true)
			r.check(time.Now(), true)
		}); err != nil {
			t.Error(err)
		}
		<-over
		heard("EXTEND_TIMEOUT_USEC=30000000") // that of the last sleep
		heard("READY=1")
		stop()
		<-a.stopped
	})
}

// idleAgent is an agent of which the owner runs, without servers or a kernel,
// until ctx ends. It closes stopped then.
func idleAgent(t *testing.T, ctx context.Context) *Agent {
	t.Helper()
	cfg, err := config.Load("../config/leaseroute.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	log := logrus.NewEntry(quiet)
	a := &Agent{calls: make(chan func()), stopped: make(chan struct{}), notify: notifier{log: log}}
	a.owner = &owner{
		table: binding.New(policy(cfg), time.Now()), calls: a.calls, log: log,
		recovery: &recovery{state: Starting, started: time.Now(), reached: make(chan struct{}), log: log},
		announce: newAnnouncer(0, log),
	}
	go func() { defer close(a.stopped); a.owner.run(ctx) }()
	return a
}
