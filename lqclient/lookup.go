package lqclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/iana"
	"golang.org/x/sync/errgroup"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// Why a server was not asked over UDP.
var (
	// ErrNoLookup reports a server that is not to be asked over UDP.
	ErrNoLookup = errors.New("the configuration says not to ask this server over UDP")

	// ErrSilent reports a server that has answered nothing of late. It is
	// asked again once in a while.
	ErrSilent = errors.New("the server answers nothing over UDP, and is only polled: is it up, does it do leasequery, and is our address among those that it lets ask?")

	// ErrClientLink reports a server that answers a question about one link
	// by naming links (R40).
	ErrClientLink = errors.New("the server names client links in answer to a question about one")
)

// A Target is what a lookup is about: an address, or all leases of a client.
type Target struct {
	Address netip.Addr // IPv6, global, without zone; invalid: Client is asked about
	Client  string     // a DUID's octets

	// Held is the lease that is known to cover the address, and who said so.
	// An answer without it ends it (R42). The zero Key: none is known.
	Held   binding.Key
	HeldBy binding.Server // asked first, where the servers are asked in order (R15); 0: nobody is
}

// String names the target, for the log and for people.
func (t Target) String() string {
	if t.Address.IsValid() {
		return t.Address.String()
	}
	return fmt.Sprintf("client %x", t.Client)
}

func (t Target) query() wire.Query {
	if t.Address.IsValid() {
		return wire.Query{Type: wire.ByAddress, Address: t.Address}
	}
	return wire.Query{Type: wire.ByClientID, ClientID: []byte(t.Client)}
}

// A Reply is what one server said about a target. All slices are the
// receiver's to keep.
type Reply struct {
	Server binding.Server
	Err    error   // why there is no answer, or no complete one; a *StatusError if the server said one
	Leases []Found // what it holds
	Took   time.Duration
}

// A Found is one lease of a Reply.
type Found struct {
	Key        binding.Key
	Client     []byte
	ValidUntil time.Time // binding.Forever if it never ends; the past if the server reports it as over
	Interface  binding.Interface
	NextHop    netip.Addr
}

// Denies reports whether the server said that it holds nothing.
func (r Reply) Denies() bool { return r.Err == nil && len(r.Leases) == 0 }

// Refused reports whether the server answered that it has nothing to say of
// the target (table 3.6).
func (r Reply) Refused() bool { return refused(r.Err) != nil }

// Lookup asks servers about a target over UDP and hands on what they say: all
// at once, or in order until one holds something. It returns once each has
// answered or failed (R25). The replies are in the servers' order; in order,
// there are none of those that were not asked.
func Lookup(ctx context.Context, servers []*Requestor, t Target, inOrder bool) []Reply {
	if !inOrder {
		return lookupAtOnce(ctx, servers, t)
	}
	return lookupInOrder(ctx, servers, t)
}

// pollGrace is how long a silent server is waited for when another one has
// answered.
const pollGrace = time.Second

// lookupInOrder asks those who answer in order. Silent ones are polled beside
// that, if it is time to: nobody else is to wait for all their transmissions.
func lookupInOrder(ctx context.Context, servers []*Requestor, t Target) []Reply {
	silent, awake := partition(servers, (*Requestor).Silent)
	slices.SortStableFunc(awake, func(a, b *Requestor) int {
		return boolToInt(b.server.Number == t.HeldBy) - boolToInt(a.server.Number == t.HeldBy)
	})
	polling, cancel := context.WithCancel(ctx)
	defer cancel()
	polls := make([]Reply, len(silent))
	var g errgroup.Group
	for i, r := range silent {
		g.Go(func() error {
			polls[i] = r.Lookup(polling, t)
			return nil
		})
	}
	var replies []Reply
	for _, r := range awake {
		reply := r.Lookup(ctx, t)
		replies = append(replies, reply)
		if len(reply.Leases) > 0 || ctx.Err() != nil {
			defer time.AfterFunc(pollGrace, cancel).Stop()
			break
		}
	}
	_ = g.Wait() // no lookup returns an error: it is in the reply
	return append(replies, polls...)
}

// partition returns those for which is is true, and the others, in their order.
func partition(servers []*Requestor, is func(*Requestor) bool) (yes, no []*Requestor) {
	for _, r := range servers {
		if is(r) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func lookupAtOnce(ctx context.Context, servers []*Requestor, t Target) []Reply {
	replies := make([]Reply, len(servers))
	var g errgroup.Group
	for i, r := range servers {
		g.Go(func() error {
			replies[i] = r.Lookup(ctx, t)
			return nil
		})
	}
	_ = g.Wait() // no lookup returns an error: it is in the reply
	return replies
}

// Silent reports whether the server answers nothing over UDP.
func (r *Requestor) Silent() bool { return r.udp != nil && r.udp.health.silent(time.Now()) }

// Lookup asks this server about a target over UDP, and hands on what it says
// to the table. It may be called from any goroutine while Run runs.
func (r *Requestor) Lookup(ctx context.Context, t Target) Reply {
	began := time.Now()
	reply := Reply{Server: r.server.Number}
	reply.Err = r.lookup(ctx, t, &reply)
	reply.Took = time.Since(began)
	return reply
}

func (r *Requestor) lookup(ctx context.Context, t Target, reply *Reply) error {
	q := t.query()
	if r.udp == nil {
		return ErrNoLookup
	}
	if err := q.Validate(); err != nil {
		return fmt.Errorf("look up %s: %w", t, err)
	}
	if err := r.udp.mayAsk(q); err != nil {
		return err
	}
	count(&r.notes.counters.Lookups)
	heard := hearing{key: t.Held}
	d := r.decoder(ctx, binding.FromLookup)
	d.heed = func(o *binding.Observation) {
		heard.heed(o.Key)
		reply.Leases = append(reply.Leases, Found{o.Key, bytes.Clone(o.Client), o.ValidUntil, o.Interface, o.NextHop})
	}
	answer, err := r.udp.ask(ctx, q, d)
	if err != nil {
		r.udp.learn(q, err)
		return err
	}
	if t.Held == (binding.Key{}) || heard.held {
		return nil
	}
	return r.say(ctx, t.Held, heard.verdict(answer, d.walker.skipped), answer)
}

// mayAsk says why a query is not to be sent now (table 3.6).
func (u *udpAsker) mayAsk(q wire.Query) error {
	u.mu.Lock()
	refusal, refused := u.refusals.of(q)
	u.mu.Unlock()
	if refused {
		return fmt.Errorf("not asked again so soon: %w", refusal.status)
	}
	if !u.health.mayAsk(time.Now()) {
		count(&u.notes.counters.NotHammered)
		if u.silent.CompareAndSwap(false, true) {
			u.notes.log.Warn("server answers nothing over UDP; it is only polled")
		}
		return ErrSilent
	}
	return nil
}

// learn keeps in mind what the server will not answer another time.
func (u *udpAsker) learn(q wire.Query, err error) {
	if status := refused(err); status != nil && status.Code != iana.StatusNotConfigured {
		u.mu.Lock()
		u.refusals.remember(q, status)
		u.mu.Unlock()
	}
}
