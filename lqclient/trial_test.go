package lqclient

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// A trial is a requestor at work on a network of peers, in a bubble.
type trial struct {
	t       *testing.T
	r       *Requestor
	network *network
	end     context.CancelFunc
	ended   chan error

	mu           sync.Mutex
	events       []string // marks, and the statements between them
	observations []binding.Observation
}

// start runs a requestor whose peers are played by play.
func start(t *testing.T, s Server, o Options, play func(n int, p *peer)) *trial {
	t.Helper()
	return startOn(t, s, o, newNetwork(t, play))
}

func startOn(t *testing.T, s Server, o Options, n *network) *trial {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	out := make(chan *binding.Batch)
	o.ClientID, o.Out, o.Log = ourDUID, out, testLog()
	if o.RelayID == nil {
		o.RelayID = ourDUID
	}
	x := &trial{t: t, network: n, end: end, ended: make(chan error, 2)}
	x.r = newRequestor(s, o, n.dial)
	go func() { x.ended <- x.r.Run(ctx) }()
	go func() {
		for {
			select {
			case b := <-out:
				x.note(b)
				b.Free()
			case <-ctx.Done():
				x.ended <- nil
				return
			}
		}
	}()
	return x
}

// note writes down what a batch says.
func (x *trial) note(b *binding.Batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	statements := []string{"held", "withdrawn", "released", "denied", "no answer"}
	for _, o := range b.Observations {
		o.Client, o.ServerDUID = nil, nil // the batch's
		x.observations = append(x.observations, o)
		x.events = append(x.events, fmt.Sprintf("%s %s", statements[o.Statement], o.Key.Prefix))
	}
	if b.Mark != binding.NoMark {
		marks := []string{"", "begins", "complete", "incomplete"}
		if b.Server != 1 || b.At.IsZero() {
			x.t.Errorf("mark of server %d at %s", b.Server, b.At)
		}
		x.events = append(x.events, fmt.Sprintf("%s %d", marks[b.Mark], b.Scope))
	}
}

// want compares all events since the last want.
func (x *trial) want(events ...string) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if !slices.Equal(x.events, events) {
		x.t.Errorf("events\n%q\nwant\n%q", x.events, events)
	}
	x.events = nil
}

// last returns the last observation.
func (x *trial) last() binding.Observation {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.observations[len(x.observations)-1]
}

// stop ends the requestor and waits for all of it.
func (x *trial) stop() {
	x.t.Helper()
	x.end()
	for range 2 {
		if err := <-x.ended; err != nil {
			x.t.Errorf("Run = %v, want nil", err)
		}
	}
	x.network.wait()
}

// always plays a peer that answers each query with what answer returns.
func always(answer func(q question) [][]byte) func(int, *peer) {
	return func(_ int, p *peer) {
		for {
			q, ok := p.query()
			if !ok {
				return
			}
			p.say(answer(q)...)
		}
	}
}

// holding answers every query with these prefixes, one a message.
func holding(prefixes ...string) func(q question) [][]byte {
	return func(q question) [][]byte {
		if len(prefixes) == 0 {
			return list(reply(q.id, status(success)))
		}
		messages := list(reply(q.id, lease(prefixes[0])))
		for _, p := range prefixes[1:] {
			messages = append(messages, data(q.id, lease(p)))
		}
		return append(messages, done(q.id))
	}
}

// refusing answers with a status.
func refusing(code uint16) func(q question) [][]byte {
	return func(q question) [][]byte { return list(reply(q.id, status(code))) }
}

// asked records which kinds of queries come, on top of another answerer.
type asked struct {
	mu    sync.Mutex
	kinds []string
}

func (a *asked) by(answer func(q question) [][]byte) func(q question) [][]byte {
	return func(q question) [][]byte {
		name := q.kind.String()
		if !q.link.IsUnspecified() {
			name += " " + q.link.String()
		}
		a.mu.Lock()
		a.kinds = append(a.kinds, name)
		a.mu.Unlock()
		return answer(q)
	}
}

// want compares the queries since the last want.
func (a *asked) want(t *testing.T, kinds ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.kinds, kinds) {
		t.Errorf("queries %q, want %q", a.kinds, kinds)
	}
	a.kinds = nil
}

// perKind answers each kind of query in its own way.
type perKind map[wire.QueryType]func(q question) [][]byte

func (k perKind) answer(q question) [][]byte { return k[q.kind](q) }

// twoLinks are the links of most tests.
func twoLinks() []Link {
	return []Link{
		{netip.MustParseAddr("2001:db8:1::1"), 1},
		{netip.MustParseAddr("2001:db8:2::1"), 2},
	}
}
