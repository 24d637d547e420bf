package binding

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
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

func (w *world) emit(out []Change) { w.queue = append(w.queue, out...) }

// run lets the kernel take n of the changes, and answers them in one batch.
func (w *world) run(n int) {
	n = min(n, len(w.queue))
	done := slices.Clone(w.queue[:n])
	w.queue = w.queue[n:]
	var failures []Failure
	for i := range done {
		if why := w.do(&done[i]); why != NoReason {
			failures = append(failures, Failure{Index: i, Reason: why})
		}
	}
	w.table.Record(w.time(w.now), done, failures)
}

func (w *world) do(c *Change) Reason {
	p := c.Key.Prefix
	if c.Op == Withdraw {
		delete(w.kernel, p)
		return NoReason
	}
	switch {
	case w.foreign[p] && c.Op != Install:
		w.t.Fatalf("%v of %v, which is somebody else's", c.Op, p)
	case w.foreign[p]:
		return ForeignRoute
	case w.model.down[c.Interface]:
		if c.Op == Refresh {
			delete(w.kernel, p)
		}
		return InterfaceDown
	case w.noisy && w.r.IntN(8) == 0:
		return KernelRefused
	}
	if old, ok := w.kernel[p]; ok && c.Op == Refresh && (old.NextHop != c.NextHop || old.Interface != c.Interface) {
		w.t.Fatalf("refresh of %v would add a second next hop", p)
	}
	route := Route{Key: c.Key, NextHop: c.NextHop, Interface: c.Interface}
	if w.p.FailSafeMargin > 0 && c.ValidUntil != Forever {
		route.Expires = c.ValidUntil.Add(w.p.FailSafeMargin)
	}
	w.kernel[p] = route
	return NoReason
}

// flap takes an interface down or up.
func (w *world) flap() {
	i := Interface(1 + w.r.IntN(3))
	if w.model.down[i] {
		delete(w.model.down, i)
		w.emit(w.table.InterfaceUp(w.time(w.now), i, nil))
		return
	}
	w.model.down[i] = true
	for p, route := range w.kernel {
		if route.Interface == i {
			delete(w.kernel, p)
		}
	}
	w.table.InterfaceDown(w.time(w.now), i)
}

// rob deletes one of our routes.
func (w *world) rob() {
	k := w.key()
	if _, ok := w.kernel[k.Prefix]; ok {
		delete(w.kernel, k.Prefix)
		w.emit(w.table.RouteGone(w.time(w.now), k, nil))
	}
}

// obstruct adds or removes somebody else's route.
func (w *world) obstruct() {
	p := w.key().Prefix
	if w.foreign[p] {
		delete(w.foreign, p)
		w.emit(w.table.Retry(w.time(w.now), p, nil))
		return
	}
	if _, ours := w.kernel[p]; !ours && !slices.ContainsFunc(w.queue, func(c Change) bool { return c.Key.Prefix == p }) {
		b, known := w.table.Get(Key{Prefix: p, Kind: DelegatedPrefix})
		if a, ok := w.table.Get(Key{Prefix: p, Kind: Address}); ok {
			b, known = a, ok
		}
		w.foreign[p] = !known || b.State == Unresolved
		if !w.foreign[p] {
			delete(w.foreign, p)
		}
	}
}

// audit dumps the kernel once it has done all that it was given.
func (w *world) audit() {
	w.run(len(w.queue))
	var routes []Route
	for _, k := range worldKeys {
		if route, ok := w.kernel[k.Prefix]; ok {
			routes = append(routes, route)
		}
	}
	for _, route := range routes {
		w.model.adopt(route, w.expires(route))
	}
	w.emit(w.table.Kernel(w.time(w.now), routes, nil))
	w.emit(w.table.KernelDone(w.time(w.now), nil))
	w.model.started = true
}

func (w *world) expires(r Route) int {
	if r.Expires.IsZero() {
		return 0
	}
	return w.ms(r.Expires)
}

// leftovers puts routes of an earlier life into the kernel.
func (w *world) leftovers() {
	for _, k := range worldKeys {
		if w.r.IntN(3) > 0 || k.Kind == Address && !w.p.InstallAddresses {
			continue
		}
		route := Route{Key: k, Interface: Interface(1 + w.r.IntN(3)), NextHop: worldHops[w.r.IntN(3)]}
		if w.p.FailSafeMargin > 0 {
			route.Expires = w.time(1000 * (1 + w.r.IntN(1200)))
		}
		w.kernel[k.Prefix] = route
	}
	w.audit()
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

func (w *world) check() {
	t := w.t
	n := 0
	for b := range w.table.All() {
		n++
		l := w.model.leases[b.Key]
		if l == nil {
			t.Errorf("%v is in the table, not in the model: %+v", b.Key, b)
			continue
		}
		w.checkBinding(&b, l)
	}
	if n != len(w.model.leases) {
		t.Errorf("%d bindings, want %d", n, len(w.model.leases))
	}
	w.checkKernel()
	w.checkCounts()
}

func (w *world) checkBinding(b *Binding, l *lease) {
	port, hop := w.model.place(b.Key, l)
	got := fmt.Sprintf("client %x server %d/%x source %v valid %d recv %d doubt %v at %d %v iaid %d",
		b.Client, b.Server, b.ServerDUID, b.Source, w.ms(b.ValidUntil), w.ms(b.Received), b.Doubt, b.Interface, b.NextHop, b.IAID)
	want := fmt.Sprintf("client %x server %d/%x source %v valid %d recv %d doubt %v at %d %v iaid %d",
		l.client, l.server, l.duid, l.source, l.valid, l.recv, l.doubt, port, hop, l.iaid)
	if got != want {
		w.t.Errorf("%v:\ngot  %s\nwant %s", b.Key, got, want)
	}
	if l.source != FromKernel && (w.ms(b.CLT) != l.clt || b.HasSequence != (l.epoch > 0) || l.epoch > 0 && b.Sequence != l.seq) {
		w.t.Errorf("%v: CLT %d sequence %d, want %d, %d", b.Key, w.ms(b.CLT), b.Sequence, l.clt, l.seq)
	}
	w.checkState(b, l)
}

func (w *world) checkState(b *Binding, l *lease) {
	k := b.Key
	routed := b.State == Installed || b.State == Suspect
	switch {
	case b.State == Pending:
		w.t.Errorf("%v is pending at rest", k)
	case !w.model.wants(k, l):
		if routed {
			w.t.Errorf("%v has a route and should not", k)
		}
	case routed && w.foreign[k.Prefix]:
		w.t.Errorf("%v is said to have a route that is somebody else's", k)
	case routed != !w.foreign[k.Prefix]:
		w.checkRefusal(b, l)
	}
}

// checkRefusal is for a binding without a route that the model would give one.
func (w *world) checkRefusal(b *Binding, l *lease) {
	perClient, perPort := 0, 0
	port, _ := w.model.place(b.Key, l)
	for o := range w.table.All() {
		limited := o.Key.Kind == DelegatedPrefix && o.Interface == port && o.Reason != ClientLimit && o.Reason != PortLimit &&
			o.State != Unresolved && o.Reason != OutsideAllowed && o.Reason != LengthNotAllowed
		if limited {
			perPort++
			if bytes.Equal(o.Client, b.Client) {
				perClient++
			}
		}
	}
	ok := false
	switch b.Reason {
	case HeldBack:
		ok = w.p.HoldDoubtful && l.doubt == LifetimePassed
	case ClientLimit:
		ok = w.p.MaxPerClient > 0 && perClient >= w.p.MaxPerClient
	case PortLimit:
		ok = w.p.MaxPerPort > 0 && perPort >= w.p.MaxPerPort
	}
	if !ok {
		w.t.Errorf("%v is %v, %v: want a route", b.Key, b.State, b.Reason)
	}
}

// checkKernel compares the kernel with what the table says is there.
func (w *world) checkKernel() {
	want := 0
	for b := range w.table.All() {
		if b.State != Installed && b.State != Suspect {
			continue
		}
		want++
		route, ok := w.kernel[b.Key.Prefix]
		if !ok || route.NextHop != b.NextHop || route.Interface != b.Interface {
			w.t.Errorf("%v: kernel has %v %+v, want by %d %v", b.Key, ok, route, b.Interface, b.NextHop)
		}
		if off := w.expires(route) - w.ms(b.ValidUntil) - 600_000; ok && !route.Expires.IsZero() && b.Source != FromKernel && (off > 301_000 || off < -301_000) {
			w.t.Errorf("%v: kernel's expiry is off by %d ms", b.Key, off)
		}
	}
	if want != len(w.kernel) {
		w.t.Errorf("kernel has %d routes, table says %d: %v", len(w.kernel), want, w.kernel)
	}
	w.emit(w.table.Kernel(w.time(w.now), routesOf(w.kernel), nil))
	w.emit(w.table.KernelDone(w.time(w.now), nil))
	if len(w.queue) > 0 {
		w.t.Errorf("an audit of a right kernel changes it: %+v", w.queue)
	}
}

func routesOf(kernel map[netip.Prefix]Route) []Route {
	var list []Route
	for _, r := range kernel {
		list = append(list, r)
	}
	return list
}

func (w *world) checkCounts() {
	var c Counts
	for b := range w.table.All() {
		c.Bindings++
		c.States[b.State]++
		c.Sources[b.Source]++
		if b.Doubt != NoReason {
			c.Suspects++
		}
	}
	got := w.table.Counts()
	if got.Bindings != c.Bindings || got.States != c.States || got.Sources != c.Sources || got.Suspects != c.Suspects {
		w.t.Errorf("counts are %+v, want %+v", got, c)
	}
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
