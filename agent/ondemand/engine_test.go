package ondemand

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/lqclient"
)

// A watcher is a detector that a test plays.
type watcher struct {
	fail  error
	ready chan struct{}

	mu         sync.Mutex
	out        chan<- Unknown
	suppressed map[sighting]time.Duration
	allowed    []netip.Prefix
	slow       chan struct{} // what Suppress waits for; nil: nothing
}

// A sighting is what Unknowns are compared by.
type sighting struct {
	Address   netip.Addr
	Source    bool
	Interface int
}

func (w *watcher) Run(ctx context.Context, out chan<- Unknown) error {
	if w.fail != nil {
		return w.fail
	}
	w.mu.Lock()
	w.out = out
	w.mu.Unlock()
	close(w.ready)
	<-ctx.Done()
	return nil
}

func (w *watcher) Ready() <-chan struct{} { return w.ready }

func (w *watcher) Suppress(u Unknown, ttl time.Duration) error {
	if w.slow != nil {
		<-w.slow
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.suppressed[sighting{u.Address, u.Source, u.Interface}] = ttl
	return nil
}

func (w *watcher) Allow(p netip.Prefix) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed = append(w.allowed, p)
	return nil
}

func (w *watcher) Stats() map[string]uint64 { return map[string]uint64{"kernel": 1} }

// A rig is an engine on a played detector and played servers, in a bubble.
type rig struct {
	t *testing.T
	*Engine
	*watcher

	mu     sync.Mutex
	asked  []string
	answer func(netip.Addr) []lqclient.Reply
	wait   time.Duration // until the servers have answered
	routed bool
}

func (r *rig) lookup(ctx context.Context, t lqclient.Target) []lqclient.Reply {
	r.mu.Lock()
	r.asked = append(r.asked, t.String())
	r.mu.Unlock()
	select {
	case <-time.After(r.wait):
	case <-ctx.Done():
	}
	return r.answer(t.Address)
}

func (r *rig) wantAsked(n int) {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asked) != n {
		r.t.Errorf("asked about %q, want %d", r.asked, n)
	}
}

func (r *rig) wantCounts(want map[string]uint64) {
	r.t.Helper()
	synctest.Wait()
	got := r.Engine.Stats()
	for name, n := range want {
		if got[name] != n {
			r.t.Errorf("%s is %d, want %d", name, got[name], n)
		}
	}
}

// packet is one that the detector has noticed.
func (r *rig) packet(address string, i int) {
	r.watcher.out <- Unknown{Address: netip.MustParseAddr(address), Source: true, Interface: i}
}

func silent() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

// nobody holds it; a lease is held; no server answers.
func nobody(netip.Addr) []lqclient.Reply { return []lqclient.Reply{{Server: 1}} }
func lease(a netip.Addr) []lqclient.Reply {
	p, _ := a.Prefix(56)
	return []lqclient.Reply{{Server: 1, Leases: []lqclient.Found{{Key: binding.Key{Prefix: p}}}}}
}
func silence(netip.Addr) []lqclient.Reply {
	return []lqclient.Reply{{Server: 1, Err: lqclient.ErrTimeout}}
}

// inBubble runs a test with an engine in a bubble.
func inBubble(t *testing.T, change func(*EngineOptions), test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, answer: nobody, watcher: &watcher{ready: make(chan struct{}), suppressed: make(map[sighting]time.Duration)}}
		o := EngineOptions{
			Detector: r.watcher,
			Lookup:   r.lookup,
			Cover:    func(context.Context, netip.Addr) (Cover, error) { return Cover{Routed: r.routed}, nil },
			Allowed:  []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/33")}, Length: 64,
			Rate: 100, InterfaceRate: 50, Outstanding: 10,
			NegativeTTL: time.Minute, NoAnswerTTL: 30 * time.Second, MaxNegative: 5,
			Log: silent(),
		}
		if change != nil {
			change(&o)
		}
		r.Engine = NewEngine(o)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Engine.Run(ctx) }()
		<-r.Engine.Settled()
		test(r)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestEngine(t *testing.T) {
	const a, sameLink, other = "2001:db8:8000:1::1", "2001:db8:8000:1::2", "2001:db8:8000:2::1"
	t.Run("R93 an unknown address is asked about", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.answer = func(a netip.Addr) []lqclient.Reply {
				r.routed = true
				return lease(a)
			}
			r.packet(a, 1)
			r.wantCounts(map[string]uint64{"noticed": 1, "lookups": 1, "found": 1, "negatives": 0})
			if len(r.suppressed) != 0 {
				t.Errorf("suppressed %v", r.suppressed)
			}
		})
	})
	t.Run("R93 a destination whose route is on its way is not asked about, a source is", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.answer, r.routed = lease, true
			r.watcher.out <- Unknown{Address: netip.MustParseAddr(a), Interface: 1}
			r.wantAsked(0)
			r.wantCounts(map[string]uint64{"noticed": 1, "collapsed": 1, "lookups": 0, "negatives": 0})
			r.packet(sameLink, 1)
			r.wantAsked(1)
		})
	})
	t.Run("a source that is routed elsewhere, and stays so, is left out for a time", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.answer, r.routed = lease, true
			r.packet(a, 1)
			r.packet(a, 1)
			r.wantAsked(1)
			r.wantCounts(map[string]uint64{"unchanged": 1, "found": 0})
			time.Sleep(31 * time.Second)
			r.packet(a, 1)
			r.wantAsked(2)
		})
	})
	t.Run("C42 R9 outside the allowed blocks nothing is asked about", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			for _, address := range []string{"2001:db8:1::1", "fe80::1", "ff02::1", "::", "192.0.2.1", "2001:db8::1"} {
				r.packet(address, 1)
			}
			r.wantAsked(0)
			r.wantCounts(map[string]uint64{"outside": 6})
			if _, err := r.Ask(r.t.Context(), netip.MustParseAddr("2001:db8:1::1")); !errors.Is(err, ErrOutside) {
				t.Errorf("Ask = %v", err)
			}
		})
	})
	t.Run("C43 R11 one question is enough for one target", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.wait = time.Second
			r.packet(a, 1)
			r.packet(a, 1)
			r.packet(sameLink, 2)
			r.wantAsked(1)
			time.Sleep(2 * time.Second)
			r.wantCounts(map[string]uint64{"collapsed": 2, "lookups": 1})
			if len(r.suppressed) != 2 {
				t.Errorf("suppressed %v, want it on both interfaces", r.suppressed)
			}
		})
	})
	t.Run("C43 R11 those who wait for the same answer share it", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.wait = time.Second
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if replies, err := r.Ask(r.t.Context(), netip.MustParseAddr(a)); err != nil || !replies[0].Denies() {
						t.Errorf("Ask = %v, %v", replies, err)
					}
				})
			}
			all.Wait()
			r.wantAsked(1)
		})
	})
	t.Run("C40 R10 R42 R95 nothing there is remembered for a minute, in the kernel too", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.packet(a, 7)
			r.wantCounts(map[string]uint64{"denied": 1, "negatives": 1})
			if got := r.suppressed[sighting{netip.MustParseAddr(a), true, 7}]; got != time.Minute {
				t.Errorf("suppressed for %s", got)
			}
			time.Sleep(40 * time.Second)
			r.packet(sameLink, 8)
			r.wantAsked(1)
			if got := r.suppressed[sighting{netip.MustParseAddr(sameLink), true, 8}]; got != 20*time.Second {
				t.Errorf("suppressed for %s", got)
			}
			time.Sleep(21 * time.Second)
			r.packet(a, 7)
			r.wantAsked(2)
		})
	})
	t.Run("R24 no answer is remembered for half of that", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.answer = silence
			r.packet(a, 1)
			r.wantCounts(map[string]uint64{"unanswered": 1})
			time.Sleep(29 * time.Second)
			r.packet(a, 1)
			r.wantAsked(1)
			time.Sleep(2 * time.Second)
			r.packet(a, 1)
			r.wantAsked(2)
		})
	})
	t.Run("R96 lookups don't wait for a kernel that takes its time to suppress", func(t *testing.T) {
		inBubble(t, func(o *EngineOptions) { o.MaxNegative = 5000 }, func(r *rig) {
			r.slow = make(chan struct{})
			for i := range maxMuting + 3 {
				r.packet(fmt.Sprintf("2001:db8:8000:%x::1", i+1), i+1)
				time.Sleep(time.Second / 4)
			}
			r.wantCounts(map[string]uint64{"denied": maxMuting + 3, "suppress_shed": 2})
			close(r.slow)
		})
	})
	t.Run("R95 what is learnt while the kernel is told to suppress it is not suppressed", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.slow = make(chan struct{})
			r.packet(a, 1)
			r.packet(other, 1)
			r.wantAsked(2)
			before := len(r.suppressed)
			r.Learned(netip.MustParsePrefix("2001:db8:8000:1::/64"))
			r.Learned(netip.MustParsePrefix("2001:db8:8000:2::/64"))
			close(r.slow)
			synctest.Wait()
			if n := len(r.suppressed) - before; n != 1 || len(r.watcher.allowed) != 3 {
				t.Errorf("%d suppressed, then allowed %v; want the one that was under way, allowed again", n, r.watcher.allowed)
			}
		})
	})
	t.Run("C41 R95 what is learnt ends that memory", func(t *testing.T) {
		for _, p := range []string{"2001:db8:8000::/56", "2001:db8:8000:1::/64", "2001:db8:8000:1::1/128"} {
			inBubble(t, nil, func(r *rig) {
				r.packet(a, 1)
				r.wantAsked(1)
				r.Learned(netip.MustParsePrefix("2001:db8:8000:100::/56"))
				r.packet(a, 1)
				r.wantAsked(1)
				r.Learned(netip.MustParsePrefix(p))
				r.packet(a, 1)
				r.wantAsked(2)
				if fmt.Sprint(r.watcher.allowed) != "["+p+"]" {
					t.Errorf("allowed %s", r.watcher.allowed)
				}
			})
		}
	})
	t.Run("a lease that can't be routed is not asked about again and again", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.answer = lease
			r.packet(a, 1)
			r.packet(a, 1)
			r.wantAsked(1)
			r.wantCounts(map[string]uint64{"unrouted": 1})
		})
	})
	t.Run("R95 no more verdicts are kept than the bound", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			for n := range 9 {
				r.packet(fmt.Sprintf("2001:db8:8000:%x::1", n), 1)
				synctest.Wait()
			}
			r.wantCounts(map[string]uint64{"negatives": 5, "negatives_dropped": 4})
			time.Sleep(2 * time.Minute)
			r.packet(other, 1)
			r.wantCounts(map[string]uint64{"negatives_dropped": 4})
		})
	})
	t.Run("R96 no more lookups than the rates allow, in all and for an interface", func(t *testing.T) {
		inBubble(t, func(o *EngineOptions) { o.MaxNegative = 1 << 16; o.Outstanding = 1 << 16 }, func(r *rig) {
			for n := range 1000 {
				r.packet(fmt.Sprintf("2001:db8:8000:%x::1", n), 1)
			}
			r.wantAsked(50)
			for n := range 1000 {
				r.packet(fmt.Sprintf("2001:db8:9000:%x::1", n), 2+n%7)
			}
			r.wantAsked(100)
			r.wantCounts(map[string]uint64{"shed_interface": 1600, "shed_rate": 300})
		})
	})
	t.Run("R96 no more lookups at a time than the bound, and as many may wait", func(t *testing.T) {
		inBubble(t, nil, func(r *rig) {
			r.wait = time.Second
			for n := range 30 {
				r.packet(fmt.Sprintf("2001:db8:8000:%x::1", n), 1)
			}
			r.wantAsked(10)
			r.wantCounts(map[string]uint64{"shed_outstanding": 10})
			time.Sleep(1500 * time.Millisecond)
			r.wantAsked(20)
			time.Sleep(time.Minute)
			r.wantCounts(map[string]uint64{"lookups": 20, "shed_outstanding": 10})
		})
	})
	t.Run("a detector that can't detect ends nothing", func(t *testing.T) {
		no := errors.New("no nftables here")
		inBubble(t, func(o *EngineOptions) { o.Detector.(*watcher).fail = no }, func(r *rig) {
			if !errors.Is(r.Err(), no) {
				t.Errorf("Err = %v", r.Err())
			}
			if replies, err := r.Ask(r.t.Context(), netip.MustParseAddr(a)); err != nil || len(replies) != 1 {
				t.Errorf("Ask = %v, %v", replies, err)
			}
		})
	})
	t.Run("what others come upon is looked at as well", func(t *testing.T) {
		inBubble(t, func(o *EngineOptions) { o.Detector = nil }, func(r *rig) {
			r.Notice(netip.MustParseAddr(other))
			r.wantAsked(1)
			if _, ok := maps.Clone(r.Engine.Stats())["detector_kernel"]; ok {
				t.Error("numbers of a detector that is not there")
			}
		})
	})
}
