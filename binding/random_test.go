package binding

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"
)

// A world is one random run: a table, the model, and a kernel that follows the
// table's changes late, in order, and not always.
type world struct {
	t     *testing.T
	r     *rand.Rand
	p     Policy
	base  time.Time
	table *Table
	model *model
	now   int // milliseconds

	kernel  map[netip.Prefix]Route
	foreign map[netip.Prefix]bool
	queue   []Change
	noisy   bool // the kernel refuses things for no reason
}

var (
	worldKeys = []Key{
		prefixKey("2001:db8:8000::/56"), prefixKey("2001:db8:8000:100::/56"), prefixKey("2001:db8:8000:200::/60"),
		prefixKey("2001:db8:8000:210::/60"), prefixKey("2001:db8:8000:300::/62"), prefixKey("2001:db8:8000:304::/62"),
		prefixKey("2001:db8:1::/56"),    // outside
		prefixKey("2001:db8:8000::/47"), // too short
		addressKey("2001:db8:8000:f::1"), addressKey("2001:db8:8000:f::2"), addressKey("2001:db8:8000:f::3"),
		addressKey("192.0.2.7"),
	}
	worldClients = []string{"\x00\x03\x00\x01aaaa", "\x00\x03\x00\x01bbbb", "\x00\x03\x00\x01cc"}
	worldServers = []string{"", "\x00\x02server1", "\x00\x02server0", "\x00\x02server3"}
	worldHops    = []netip.Addr{{}, netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")}
)

func prefixKey(s string) Key {
	return Key{Kind: DelegatedPrefix, Prefix: netip.MustParsePrefix(s).Masked()}
}

func addressKey(s string) Key {
	a := netip.MustParseAddr(s)
	return Key{Kind: Address, Prefix: netip.PrefixFrom(a, a.BitLen())}
}

func newWorld(t *testing.T, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 0))
	w := &world{
		t: t, r: r, base: time.Now(), noisy: r.IntN(3) == 0,
		kernel: map[netip.Prefix]Route{}, foreign: map[netip.Prefix]bool{},
		p: Policy{
			Allowed:   []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/33"), netip.MustParsePrefix("192.0.2.0/24")},
			MinLength: 48, MaxLength: 64, EPS: 2 * time.Second, MaxJump: 20,
			HoldDoubtful: r.IntN(4) == 0, InstallAddresses: r.IntN(3) == 0,
		},
	}
	if r.IntN(2) == 0 {
		w.p.FailSafeMargin = 10 * time.Minute
	}
	if r.IntN(4) == 0 {
		w.p.MaxValid = time.Minute
	}
	if r.IntN(3) == 0 {
		w.p.MaxPerClient, w.p.MaxPerPort = r.IntN(3), r.IntN(4)
	}
	w.table, w.model = New(w.p, w.base), newModel(w.p)
	return w
}

func (w *world) time(ms int) time.Time { return w.base.Add(time.Duration(ms) * time.Millisecond) }

func (w *world) ms(x time.Time) int {
	if x.Equal(Forever) {
		return modelForever
	}
	return int(x.Sub(w.base) / time.Millisecond)
}

func (w *world) key() Key { return worldKeys[w.r.IntN(len(worldKeys))] }

// observation makes one; instants lie close together, so that ties abound.
func (w *world) observation() Observation {
	r := w.r
	s := 1 + r.IntN(3)
	recv := w.now - r.IntN(2)*r.IntN(1500)
	clt := recv - r.IntN(4)*r.IntN(4000)
	o := Observation{
		Key: w.key(), Source: Source(1 + r.IntN(6)), Server: Server(s), Client: []byte(worldClients[r.IntN(3)]),
		ServerDUID: []byte(worldServers[s]), Received: w.time(recv), CLT: w.time(clt),
		ValidUntil: w.time(recv + 1000*(r.IntN(200)-2)), Doubtful: r.IntN(6) == 0,
	}
	o.PreferredUntil = o.ValidUntil
	if r.IntN(12) == 0 {
		o.ValidUntil = Forever
	}
	if r.IntN(3) > 0 {
		o.Interface, o.NextHop = Interface(1+r.IntN(3)), worldHops[r.IntN(3)]
	}
	if r.IntN(3) == 0 {
		o.HasSequence, o.Sequence = true, uint64(10+r.IntN(12)+w.now/5000)
	}
	if o.Source == FromGlean {
		o.CLT, o.HasIAID, o.IAID = o.Received, true, uint32(r.IntN(3))
	}
	switch r.IntN(12) {
	case 0:
		o.Statement = Withdrawn
	case 1:
		o.Statement, o.Source, o.CLT = Released, FromGlean, o.Received
	case 2, 3:
		o.Statement, o.Source, o.Client = Denied, FromLookup, nil
	case 4:
		o.Statement, o.Source, o.Client = NoAnswer, FromLookup, nil
	}
	return o
}

func (w *world) step() {
	r := w.r
	now := w.time(w.now)
	switch r.IntN(16) {
	case 0:
		w.now += r.IntN(8000)
		w.model.now = w.now
		w.emit(w.table.Expire(w.time(w.now), nil))
		w.model.expire()
	case 1:
		w.run(r.IntN(4))
	case 2:
		w.flap()
	case 3:
		w.rob()
	case 4:
		w.obstruct()
	case 5:
		if r.IntN(4) == 0 {
			k := w.key()
			w.emit(w.table.Clear(now, k, nil))
			w.model.clear(k)
		}
	case 6:
		w.table.Suspects(Server(1+r.IntN(3)), r.IntN(3), nil)
	case 7:
		if r.IntN(4) == 0 {
			w.table.DoubtAdopted(now)
			w.model.doubtAdopted()
		}
	case 8:
		if r.IntN(4) == 0 {
			w.audit()
		}
	default:
		w.apply()
	}
}

func (w *world) apply() {
	b := NewBatch()
	defer b.Free()
	for range w.r.IntN(4) {
		b.Observations = append(b.Observations, w.observation())
	}
	if w.r.IntN(4) == 0 {
		b.Mark, b.Server = Mark(1+w.r.IntN(3)), Server(1+w.r.IntN(3))
		b.Scope, b.At = Interface(w.r.IntN(2)), w.time(w.now)
	}
	for i := range b.Observations {
		w.model.observe(b.Observations[i], w.ms)
	}
	w.model.mark(b)
	w.emit(w.table.Apply(w.time(w.now), b, nil))
}

// rest lets everything that is under way come to its end.
func (w *world) rest() {
	if w.noisy {
		w.noisy = false
		w.drain()
		w.audit()
	}
	w.drain()
}

func (w *world) drain() {
	w.emit(w.table.Expire(w.time(w.now), nil))
	w.model.expire()
	for range 10 {
		w.run(len(w.queue))
		w.emit(w.table.Expire(w.time(w.now), nil))
		if len(w.queue) == 0 {
			return
		}
	}
	w.t.Fatalf("no rest: %+v", w.queue)
}

// seeds is how many random runs there are; LEASEROUTE_SEED runs a single one.
func seeds(t *testing.T) (first, last uint64) {
	if s := os.Getenv("LEASEROUTE_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n, n
	}
	if testing.Short() {
		return 1, 500
	}
	return 1, 4000
}

func TestAgainstModel(t *testing.T) {
	first, last := seeds(t)
	for seed := first; seed <= last; seed++ {
		w := newWorld(t, seed)
		if w.r.IntN(2) == 0 {
			w.leftovers()
		}
		for range 60 + w.r.IntN(100) {
			w.step()
		}
		w.rest()
		w.check()
		if t.Failed() {
			t.Fatalf("LEASEROUTE_SEED=%d", seed)
		}
	}
}
