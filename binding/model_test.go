package binding

import (
	"net/netip"
	"time"
)

// model is the table as one would write it with no thought of size or speed:
// the rules of PROTOCOL.md 3.10 over maps, with times in milliseconds. It
// knows nothing of changes: it says what the routes should be in the end.
type model struct {
	p       Policy
	now     int
	tick    int // counts observations and marks
	leases  map[Key]*lease
	graves  map[Key]*grave
	servers map[string]*modelServer // by DUID
	rounds  map[Server]*modelRounds
	down    map[Interface]bool
	started bool
}

type lease struct {
	client, duid     string
	server           Server
	source           Source
	clt, recv, valid int
	seq              uint64
	epoch            int // 0: no sequence number
	iaid             uint32
	hasIAID          bool
	port             Interface // its own; 0 if it borrows or is unknown
	hop              netip.Addr
	inherited        bool
	doubt            Reason
	confirmed        bool
	mentioned        int
	answers, denials map[Server]bool // of an adopted one in doubt
}

type grave struct {
	event, until int
	client       string          // "": anybody
	port         Interface       // with client; 0: any
	deniers      map[Server]bool // nil: all
	answer       int
}

type modelServer struct {
	highest       uint64
	epoch, losses int
	last          uint64
}

type modelRounds struct {
	open  map[Interface]int
	began int
}

const modelForever = 1 << 50

func newModel(p Policy) *model {
	return &model{
		p: p, leases: map[Key]*lease{}, graves: map[Key]*grave{}, servers: map[string]*modelServer{},
		rounds: map[Server]*modelRounds{}, down: map[Interface]bool{},
	}
}

// word is an observation in the model's terms.
type word struct {
	Observation
	clt, recv, valid int
	epoch            int
}

func (m *model) observe(o Observation, ms func(time.Time) int) {
	m.tick++
	w := word{Observation: o, clt: ms(o.CLT), recv: ms(o.Received), valid: ms(o.ValidUntil)}
	if o.Statement != Denied {
		w.clt = min(w.clt, w.recv)
	}
	if m.p.MaxValid > 0 {
		w.valid = min(w.valid, w.recv+int(m.p.MaxValid/time.Millisecond))
	}
	w.epoch = m.number(&w)
	l := m.leases[o.Key]
	if l != nil && l.server == o.Server {
		l.mentioned = m.tick
	}
	switch o.Statement {
	case Held:
		m.held(l, &w)
	case Withdrawn:
		m.withdrawn(l, &w)
	case Released:
		m.released(l, &w)
	case Denied:
		m.denied(l, &w)
	case NoAnswer:
		m.denied(l, &w)
	}
}

// number returns the epoch of a usable sequence number, or 0.
func (m *model) number(w *word) int {
	if !w.HasSequence || w.ServerDUID == nil {
		return 0
	}
	s := m.servers[string(w.ServerDUID)]
	if s == nil {
		s = &modelServer{highest: w.Sequence, epoch: 1}
		m.servers[string(w.ServerDUID)] = s
	}
	if w.Sequence > s.highest+m.p.MaxJump {
		return 0
	}
	s.highest = max(s.highest, w.Sequence)
	return s.epoch
}

func (m *model) held(l *lease, w *word) {
	over := w.valid <= m.now
	switch {
	case l == nil && over:
	case l == nil && m.buried(w):
	case l == nil:
		m.leases[w.Key] = &lease{source: FromKernel}
		m.take(m.leases[w.Key], w)
	case over && w.Source == FromState && l.source == FromKernel:
	default:
		switch v := m.verdict(l, w); {
		case over && (v > 0 || v == 0 && w.recv >= l.recv):
			delete(m.leases, w.Key)
		case over:
		case v > 0:
			disputed := l.source != FromKernel && l.client != string(w.Client) && l.server != w.Server && w.Source != FromLookup && l.source != FromLookup
			m.take(l, w)
			if disputed && l.doubt == NoReason {
				l.doubt = ClientDisputed
			}
		case v == 0:
			m.merge(l, w)
		case string(w.Client) != l.client:
			if m.disputed(l, w) && l.doubt == NoReason {
				l.doubt = ClientDisputed
			}
		default:
			if w.Source == FromLookup || l.doubt == AbsentFromRun && !w.Doubtful && w.Server == l.server {
				l.doubt = NoReason
			}
		}
	}
}

// disputed reports whether a bulk answer lost to a lookup of the same server by
// its rank alone, though it came later.
func (m *model) disputed(l *lease, w *word) bool {
	if w.Source != FromLookup && l.source != FromLookup && l.server != w.Server && !l.confirmed {
		return true
	}
	eps := int(m.p.EPS / time.Millisecond)
	numbered := l.duid == string(w.ServerDUID) && w.epoch != 0 && w.epoch == l.epoch && w.Sequence != l.seq
	return l.source == FromLookup && w.Source == FromBulk && l.server == w.Server && w.recv > l.recv &&
		w.clt <= l.clt+eps && w.clt >= l.clt-eps && !numbered
}

func (m *model) take(l *lease, w *word) {
	same := l.client == string(w.Client) || l.source == FromKernel
	n := lease{
		client: string(w.Client), duid: string(w.ServerDUID), server: w.Server, source: w.Source,
		clt: w.clt, recv: w.recv, valid: w.valid, seq: w.Sequence, epoch: w.epoch, iaid: w.IAID, hasIAID: w.HasIAID,
		mentioned: m.tick, confirmed: w.Source == FromLookup,
	}
	switch {
	case w.Interface != 0:
		n.port, n.hop = w.Interface, w.NextHop
	case same:
		n.port, n.hop, n.inherited = l.port, l.hop, l.inherited
	}
	if w.Source != FromLookup {
		n.doubt = modelDoubt(w)
	}
	*l = n
	m.overlap(l, w)
}

// overlap doubts a delegated prefix and the longest one that it lies in, if
// these are of different clients.
func (m *model) overlap(l *lease, w *word) {
	var outer *lease
	for n := w.Key.Prefix.Bits() - 1; n >= max(m.p.MinLength, 1) && outer == nil && w.Key.Kind == DelegatedPrefix; n-- {
		outer = m.leases[Key{Prefix: netip.PrefixFrom(w.Key.Prefix.Addr(), n).Masked()}]
	}
	if w.Source == FromLookup || outer == nil || outer.client == l.client || outer.source == FromKernel {
		return
	}
	for _, x := range []*lease{l, outer} {
		if x.doubt == NoReason && !x.confirmed {
			x.doubt = Overlapping
		}
	}
}

func modelDoubt(w *word) Reason {
	switch {
	case !w.Doubtful:
		return NoReason
	case w.Source == FromState:
		return ClockBehind
	}
	return LifetimePassed
}

func (m *model) merge(l *lease, w *word) {
	known := l.valid
	l.clt = min(l.clt, w.clt)
	longer := w.Doubtful && w.Source != FromLookup && w.valid > l.valid
	eps := int(m.p.EPS / time.Millisecond)
	same := w.Source == FromLookup && l.source == FromGlean && w.valid <= l.valid+eps && l.valid <= w.valid+eps
	if w.recv >= l.recv && !longer && !same {
		l.recv, l.valid = w.recv, w.valid
	}
	better := w.Source > l.source || w.Source == l.source && modelOrder(w.Server) <= modelOrder(l.server)
	sameServer := string(w.ServerDUID) == l.duid
	if better {
		keep := sameServer && (w.epoch == 0 || l.epoch == w.epoch && l.seq > w.Sequence)
		l.source, l.server, l.duid, l.mentioned = w.Source, w.Server, string(w.ServerDUID), m.tick
		if !keep {
			l.seq, l.epoch = w.Sequence, w.epoch
		}
	}
	if w.HasIAID {
		l.iaid, l.hasIAID = w.IAID, true
	}
	if w.Interface != 0 && (l.port == 0 || l.inherited) {
		l.port, l.hop, l.inherited = w.Interface, w.NextHop, false
	}
	switch {
	case w.Source == FromLookup:
		l.confirmed, l.doubt = true, NoReason
	case !w.Doubtful:
		l.doubt = NoReason
	case l.confirmed || l.doubt == NoReason && w.valid-int(m.p.EPS/time.Millisecond) <= known:
	default:
		l.doubt = modelDoubt(w)
	}
}

func (m *model) withdrawn(l *lease, w *word) {
	if l == nil {
		m.bury(w.Key, hearsay(w), m.now)
		return
	}
	strangers := w.Source == FromGlean && l.source != FromKernel && l.client != string(w.Client)
	if v := m.verdict(l, w); strangers || v < 0 || v == 0 && w.recv < l.recv {
		return
	}
	m.bury(w.Key, grave{event: w.clt}, l.valid)
	delete(m.leases, w.Key)
}

func (m *model) released(l *lease, w *word) {
	switch {
	case l == nil:
		m.bury(w.Key, hearsay(w), m.now)
	case w.clt < l.clt-int(m.p.EPS/time.Millisecond):
	case l.source != FromKernel && l.client == string(w.Client) && m.sits(l, w) && !(l.hasIAID && w.HasIAID && l.iaid != w.IAID) &&
		(l.duid == "" || len(w.ServerDUID) == 0 || l.duid == string(w.ServerDUID)):
		m.bury(w.Key, grave{event: w.clt}, l.valid)
		delete(m.leases, w.Key)
	case l.source != FromKernel && l.doubt == NoReason:
		l.doubt = ReleaseDisputed
	}
}

// sits reports whether a statement comes from where the lease's client is.
func (m *model) sits(l *lease, w *word) bool {
	port, hop := m.place(w.Key, l)
	borrowed := l.port == 0
	return port != 0 && port == w.Interface && (borrowed || hop == w.NextHop)
}

// hearsay is the grave of a lease of which nothing is known.
func hearsay(w *word) grave {
	g := grave{event: w.clt}
	if w.Source == FromGlean {
		g.client, g.port = string(w.Client), w.Interface
	}
	return g
}

func (m *model) denied(l *lease, w *word) {
	switch {
	case l == nil:
	case l.source == FromKernel:
		m.deniedAdopted(l, w)
	case w.Statement == Denied && l.server == w.Server && l.recv <= w.clt:
		m.bury(w.Key, grave{event: w.clt, deniers: map[Server]bool{w.Server: true}, answer: w.recv}, l.valid)
		delete(m.leases, w.Key)
	}
}

func (m *model) deniedAdopted(l *lease, w *word) {
	if l.doubt != Adopted {
		return
	}
	l.answers[w.Server] = true
	if w.Statement == Denied {
		l.denials[w.Server] = true
	}
	if len(l.denials) > 0 && m.allAnswered(l) {
		m.bury(w.Key, grave{event: w.clt, deniers: l.denials, answer: w.recv}, l.valid)
		delete(m.leases, w.Key)
	}
}

func (m *model) allAnswered(l *lease) bool {
	for s := range m.rounds {
		if !l.answers[s] {
			return false
		}
	}
	return true
}

func (m *model) bury(k Key, g grave, until int) {
	g.until = max(until, m.now+3600_000)
	if old := m.graves[k]; old != nil && old.until > m.now-60_000 {
		if old.client == "" && g.client != "" {
			return
		}
		if old.deniers == nil && (g.deniers != nil || old.event > g.event) {
			g, g.until = *old, max(old.until, g.until)
		}
	}
	m.graves[k] = &g
}

func (m *model) buried(w *word) bool {
	g := m.graves[w.Key]
	if g == nil || g.until <= m.now {
		return false
	}
	if g.client != "" && (g.client != string(w.Client) || g.port != 0 && w.Interface != 0 && g.port != w.Interface) {
		return false
	}
	eps := int(m.p.EPS / time.Millisecond)
	if w.Source == FromGlean && w.clt > g.event || w.clt > g.event+eps {
		return false
	}
	if g.deniers == nil {
		return true
	}
	again := w.Source == FromBulk && !w.Doubtful && m.rounds[w.Server] != nil && m.rounds[w.Server].began > g.answer ||
		w.Source == FromLookup && w.recv > g.answer+eps
	return g.deniers[w.Server] && !again
}

func (m *model) mark(b *Batch) {
	if b.Mark == NoMark {
		return
	}
	m.tick++
	r := m.rounds[b.Server]
	if r == nil {
		r = &modelRounds{open: map[Interface]int{}, began: -modelForever}
		m.rounds[b.Server] = r
	}
	switch b.Mark {
	case RoundBegins:
		r.open[b.Scope], r.began = m.tick, m.now
		return
	case RoundComplete:
		for k, l := range m.leases {
			port, _ := m.place(k, l)
			if begun, ok := r.open[b.Scope]; ok && l.server == b.Server && l.mentioned < begun && (b.Scope == 0 || port == b.Scope) && l.doubt == NoReason {
				l.doubt = AbsentFromRun
			}
		}
	}
	delete(r.open, b.Scope)
}

func (m *model) expire() {
	for k, l := range m.leases {
		if l.valid <= m.now {
			delete(m.leases, k)
		}
	}
}

func (m *model) adopt(r Route, expires int) {
	if m.leases[r.Key] != nil || m.started || m.forbidden(r.Key) || m.graves[r.Key] != nil && m.graves[r.Key].until > m.now {
		return
	}
	l := &lease{source: FromKernel, recv: m.now, valid: modelForever, port: r.Interface, hop: r.NextHop, inherited: true}
	if expires > 0 {
		l.valid = expires - int(m.p.FailSafeMargin/time.Millisecond)
		if l.valid <= m.now {
			l.valid = expires
		}
	}
	m.leases[r.Key] = l
}

func (m *model) doubtAdopted() {
	for _, l := range m.leases {
		if l.source == FromKernel && (l.doubt == NoReason || m.allAnswered(l)) {
			l.doubt, l.answers, l.denials = Adopted, map[Server]bool{}, map[Server]bool{}
		}
	}
}

func (m *model) clear(k Key) {
	if l := m.leases[k]; l != nil {
		m.bury(k, grave{event: m.now}, l.valid)
		delete(m.leases, k)
	}
}

// place is where a lease's client is: its own word, else by its address.
func (m *model) place(k Key, l *lease) (Interface, netip.Addr) {
	if l.port != 0 || k.Kind == Address || l.client == "" {
		return l.port, l.hop
	}
	var port Interface
	var hop netip.Addr
	for ak, a := range m.leases {
		addr := ak.Prefix.Addr()
		if ak.Kind == Address && a.client == l.client && a.port != 0 && addr.Is4() == k.Prefix.Addr().Is4() &&
			(port == 0 || addr.Less(hop)) {
			port, hop = a.port, addr
		}
	}
	return port, hop
}

func (m *model) forbidden(k Key) bool {
	inside := false
	for _, a := range m.p.Allowed {
		inside = inside || a.Overlaps(k.Prefix) && a.Bits() <= k.Prefix.Bits()
	}
	n := k.Prefix.Bits()
	return !inside || k.Kind == DelegatedPrefix && (n < m.p.MinLength || n > m.p.MaxLength)
}

// wants reports whether a lease should have a route, limits aside.
func (m *model) wants(k Key, l *lease) bool {
	port, _ := m.place(k, l)
	return (k.Kind == DelegatedPrefix || m.p.InstallAddresses) && !m.forbidden(k) && port != 0 && !m.down[port]
}
