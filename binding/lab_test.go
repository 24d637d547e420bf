package binding

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// A lab is a table whose changes are answered at once: the kernel does all.
type lab struct {
	*testing.T
	table *Table
	base  time.Time
	now   float64 // seconds
}

// openPolicy allows what the tests talk about.
var openPolicy = Policy{
	Allowed:   []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/33")},
	MinLength: 48, MaxLength: 64,
}

func newLab(t *testing.T, p Policy) *lab {
	l := &lab{T: t, base: time.Now()}
	l.table = New(p, l.base)
	return l
}

// at is the instant s seconds after the table was made.
func (l *lab) at(s float64) time.Time {
	return l.base.Add(time.Duration(s * float64(time.Second)))
}

// The prefixes, clients and servers that the tests talk about.
var (
	keyP = prefixKey("2001:db8:8000:120::/60")
	keyQ = prefixKey("2001:db8:8000:130::/60")

	hop1 = netip.MustParseAddr("fe80::1")
	hop2 = netip.MustParseAddr("fe80::2")
)

const (
	alice = "\x00\x03\x00\x01alice"
	bob   = "\x00\x03\x00\x01bob"
)

func serverDUID(s Server) []byte { return fmt.Appendf(nil, "\x00\x02server%d", s) }

// held is a client's lease of P by server 1 from a bulk answer received now,
// for an hour, of a client behind interface 1. Each change alters it.
func (l *lab) held(client string, clt float64, changes ...func(*Observation)) Observation {
	o := Observation{
		Key: keyP, Source: FromBulk, Server: 1, Client: []byte(client), ServerDUID: serverDUID(1),
		Received: l.at(l.now), CLT: l.at(clt), ValidUntil: l.at(l.now + 3600), PreferredUntil: l.at(l.now + 1800),
		Interface: 1, NextHop: hop1,
	}
	for _, change := range changes {
		change(&o)
	}
	return o
}

func of(k Key) func(*Observation)           { return func(o *Observation) { o.Key = k } }
func from(s Source) func(*Observation)      { return func(o *Observation) { o.Source = s } }
func saying(s Statement) func(*Observation) { return func(o *Observation) { o.Statement = s } }
func doubtful(o *Observation)               { o.Doubtful = true }
func nowhere(o *Observation)                { o.Interface, o.NextHop = 0, netip.Addr{} }

func by(s Server) func(*Observation) {
	return func(o *Observation) { o.Server, o.ServerDUID = s, serverDUID(s) }
}

func numbered(n uint64) func(*Observation) {
	return func(o *Observation) { o.HasSequence, o.Sequence = true, n }
}

func via(i Interface, h netip.Addr) func(*Observation) {
	return func(o *Observation) { o.Interface, o.NextHop = i, h }
}

func (l *lab) until(s float64) func(*Observation) {
	return func(o *Observation) { o.ValidUntil, o.PreferredUntil = l.at(s), l.at(s) }
}

// say applies statements in one batch and answers the changes.
func (l *lab) say(list ...Observation) []Change { return l.batch(&Batch{Observations: list}) }

func (l *lab) batch(b *Batch) []Change {
	return l.did(l.table.Apply(l.at(l.now), b, nil))
}

func (l *lab) mark(m Mark, s Server, scope Interface, list ...Observation) {
	l.batch(&Batch{Observations: list, Mark: m, Server: s, Scope: scope, At: l.at(l.now)})
}

// did answers changes: all took effect.
func (l *lab) did(out []Change) []Change {
	l.table.Record(l.at(l.now), out, nil)
	return out
}

// failed answers changes: all were refused.
func (l *lab) failed(out []Change, why Reason) {
	var failures []Failure
	for i := range out {
		failures = append(failures, Failure{Index: i, Reason: why, Detail: "words"})
	}
	l.table.Record(l.at(l.now), out, failures)
}

func (l *lab) expire() []Change { return l.did(l.table.Expire(l.at(l.now), nil)) }

// wants fails the test unless the changes are as listed, such as
// "install 2001:db8::/60 1 fe80::1".
func (l *lab) wants(got []Change, want ...string) {
	l.Helper()
	var list []string
	for _, c := range got {
		s := fmt.Sprintf("%v %v", c.Op, c.Key.Prefix)
		if c.Op != Withdraw {
			s += fmt.Sprintf(" %d", c.Interface)
			if c.NextHop.IsValid() {
				s += " " + c.NextHop.String()
			}
		}
		list = append(list, s)
	}
	if !slices.Equal(list, want) {
		l.Errorf("changes are %q, want %q", list, want)
	}
}

func (l *lab) get(k Key) Binding {
	l.Helper()
	b, ok := l.table.Get(k)
	if !ok {
		l.Fatalf("no binding of %v", k.Prefix)
	}
	return b
}

func (l *lab) absent(k Key) {
	l.Helper()
	if b, ok := l.table.Get(k); ok {
		l.Errorf("a binding of %v is there: %+v", k.Prefix, b)
	}
}

// holds fails the test unless P is held by this client for this reason.
func (l *lab) holds(client string, why Reason) {
	l.Helper()
	if b := l.get(keyP); string(b.Client) != client || b.Reason != why {
		l.Errorf("P is held by %q (%v), want %q (%v)", b.Client, b.Reason, client, why)
	}
}

func (l *lab) state(k Key, want State, why Reason) {
	l.Helper()
	if b := l.get(k); b.State != want || b.Reason != why {
		l.Errorf("%v is %v (%v), want %v (%v)", k.Prefix, b.State, b.Reason, want, why)
	}
}

// tells fails the test unless the story of P has an event with this reason.
func (l *lab) tells(why Reason, won bool) {
	l.Helper()
	var all []string
	for _, e := range l.table.Story(keyP) {
		if e.Reason == why && e.Won == won {
			return
		}
		all = append(all, e.Reason.String())
	}
	l.Errorf("the story does not tell %q: %s", why, strings.Join(all, "; "))
}
