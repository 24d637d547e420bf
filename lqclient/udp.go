package lqclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/insomniacslk/dhcp/iana"
	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

	"leaseroute/lqclient/wire"
)

// maxClientLinks bounds the queries that one answer can lead to (R40).
const maxClientLinks = 64

// A udpAsker asks one server over UDP (RFC 5007), from any number of
// goroutines.
type udpAsker struct {
	port     *Port
	server   Server
	clientID []byte
	notes    *notes
	slots    chan struct{} // holds a token for each exchange under way
	pace     *rate.Limiter // of transmissions, so that retransmissions are no way around a rate
	health   health
	silent   atomic.Bool // was told of as that

	mu       sync.Mutex
	refusals refusals
}

func newUDPAsker(p *Port, s Server, clientID []byte, n *notes) *udpAsker {
	return &udpAsker{
		port: p, server: s, clientID: clientID, notes: n,
		slots:    make(chan struct{}, s.Outstanding),
		pace:     newPace(s.LookupRate),
		refusals: newRefusals(),
	}
}

// newPace returns a limiter that lets no more than most through within any
// second: a tenth of them at once, and less than nine tenths in the second that
// follows. What is left is for those that a busy machine sends late, close to
// the next ones.
func newPace(most float64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(0.85*most), int(max(most/10, 1)))
}

// ask asks a query and hands on what is answered. The error is nil if the
// server answered, also with nothing; a *StatusError if it said one; else it
// wraps ErrTimeout (no answer to any transmission), ErrSilent (nor to anybody
// else's), ErrNoPort, ErrClientLink, ErrIncomplete, or what the socket said. A
// client on several links is asked about on each of them (R40).
func (u *udpAsker) ask(ctx context.Context, q wire.Query, s sink) (Answer, error) {
	if q.Type != wire.ByAddress && q.Type != wire.ByClientID { // R7
		return Answer{}, fmt.Errorf("query by %s: not over UDP (RFC 5460, section 3)", q.Type)
	}
	if q.Options == nil {
		q.Options = []uint16{wire.OptionRelayData} // R6
	}
	answer, links, err := u.exchange(ctx, q, s)
	if err != nil || links == nil {
		return answer, err
	}
	if q.Link.IsValid() && !q.Link.IsUnspecified() {
		count(&u.notes.counters.ClientLinkLoops)
		return answer, fmt.Errorf("ask about link %s: %w", q.Link, ErrClientLink)
	}
	for _, link := range links {
		q.Link = link
		part, more, err := u.exchange(ctx, q, s)
		answer.Messages += part.Messages
		if err == nil && more != nil { // C38
			count(&u.notes.counters.ClientLinkLoops)
			err = ErrClientLink
		}
		if err != nil {
			return answer, fmt.Errorf("%w: link %s: %w", ErrIncomplete, link, err)
		}
	}
	return answer, nil
}

// exchange is one query with its retransmissions. links are those that the
// server wants to be asked about instead; nil: it answered.
func (u *udpAsker) exchange(ctx context.Context, q wire.Query, s sink) (Answer, []netip.Addr, error) {
	select {
	case u.slots <- struct{}{}:
	case <-ctx.Done():
		return Answer{}, nil, ctx.Err()
	}
	defer func() { <-u.slots }()
	id, x := u.port.expect(u.server.Address.Addr())
	defer u.port.forget(id)
	defer u.health.over(x)
	query, err := q.Append(nil, id, u.clientID, nil)
	if err != nil {
		return Answer{}, nil, err
	}
	count(&u.notes.counters.Queries)
	answer := Answer{Sent: time.Now()}
	links, err := u.transmit(ctx, query, x, &answer, q, s)
	if err == nil {
		count(&u.notes.counters.Completed)
		if answer.Messages == 0 && links == nil {
			count(&u.notes.counters.EmptyAnswers)
		}
	}
	return answer, links, err
}

// transmit sends the query until it is answered, the same octets each time
// (R23, C26).
func (u *udpAsker) transmit(ctx context.Context, query []byte, x *udpExchange, a *Answer, q wire.Query, s sink) ([]netip.Addr, error) {
	var rt retransmission
	var lost error // why the last transmission did not leave
	for n := range lqMaxRC {
		if err := u.pace.Wait(ctx); err != nil {
			return nil, err
		}
		if n > 0 {
			if !u.health.mayRepeat(x, time.Now()) {
				count(&u.notes.counters.NotHammered)
				return nil, ErrSilent
			}
			count(&u.notes.counters.Retransmissions)
		}
		lost = u.port.send(query, u.server.Address)
		if errors.Is(lost, ErrNoPort) {
			return nil, lost
		}
		u.health.sent(time.Now())
		links, answered, err := u.wait(ctx, rt.next(), x, a, q, s)
		if answered || err != nil {
			return links, err
		}
	}
	count(&u.notes.counters.Unanswered)
	if lost != nil {
		return nil, fmt.Errorf("%w: %w", ErrTimeout, lost)
	}
	return nil, fmt.Errorf("%w: no answer from %s to %d transmissions: is the server up, does it do leasequery over UDP, and is our address among those that it lets ask?",
		ErrTimeout, u.server.Address, lqMaxRC)
}

// wait waits for a valid reply until the transmission's time runs out. What is
// dropped meanwhile leaves the timer running (R31).
func (u *udpAsker) wait(ctx context.Context, rt time.Duration, x *udpExchange, a *Answer, q wire.Query, s sink) (links []netip.Addr, answered bool, err error) {
	timer := time.NewTimer(rt)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-timer.C:
			return nil, false, nil
		case d := <-x.answers:
			if m := u.valid(d); m != nil {
				links, err := u.reply(Part{Message: m, Received: d.received, ServerDUID: m.ServerID, clock: wire.NewClock(a.Sent)}, a, q, s)
				return links, true, err
			}
		}
	}
}

// valid parses a reply; nil if it is to be dropped (R17, R18, R27, R28, R33).
func (u *udpAsker) valid(d datagram) *wire.Message {
	counters := &u.notes.counters
	count(&counters.Messages)
	m, err := wire.Parse(d.message, u.server.SequenceOption)
	switch {
	case m.Type == wire.LeaseQuery:
		u.notes.odd(&counters.QueriesReceived, "query from a server dropped", nil)
	case m.Type != wire.LeaseQueryReply:
		u.notes.odd(&counters.IllegalTypes, "message of another type than a reply dropped", logrus.Fields{"type": m.Type})
	case err != nil:
		u.notes.odd(&counters.MalformedMessages, "malformed message dropped", logrus.Fields{"error": err})
	case m.ServerID == nil:
		u.notes.odd(&counters.NoServerID, "reply without server-id dropped", nil)
	case !bytes.Equal(m.ClientID, u.clientID):
		u.notes.odd(&counters.WrongClientID, "reply without our client-id dropped", nil)
	case u.server.DUID != nil && !bytes.Equal(m.ServerID, u.server.DUID):
		u.notes.odd(&counters.WrongServer, "reply of another server than the configured one dropped",
			logrus.Fields{"error": &DUIDError{Got: m.ServerID, Want: u.server.DUID}})
	default:
		u.notes.hear(d.received)
		u.health.heard()
		if u.silent.CompareAndSwap(true, false) {
			u.notes.log.Info("server answers over UDP again")
		}
		return &m
	}
	return nil
}

// reply acts on a valid reply (R39 to R44).
func (u *udpAsker) reply(p Part, a *Answer, q wire.Query, s sink) ([]netip.Addr, error) {
	counters := &u.notes.counters
	a.ServerDUID = p.ServerDUID
	if p.Status != iana.StatusSuccess {
		if p.ClientDatas > 0 {
			count(&counters.ContradictoryReplies)
		}
		status := statusError(p.Message)
		count(statusCounter(counters, status.Code))
		if status.Code == iana.StatusMalformedQuery {
			u.notes.log.WithFields(logrus.Fields{"query": describe(q), "error": status}).Error("server calls our query malformed")
		}
		return nil, status
	}
	if p.HasClientLink {
		return u.links(p)
	}
	if p.ClientDatas == 0 {
		return nil, nil // R42
	}
	a.Messages++
	return nil, errors.Join(s.take(p), s.flush())
}

// links returns the link-addresses that a reply names, each once and as it is
// (R40). Client data beside them is ignored (R41).
func (u *udpAsker) links(p Part) ([]netip.Addr, error) {
	counters := &u.notes.counters
	count(&counters.ClientLinks)
	if p.ClientDatas > 0 {
		u.notes.odd(&counters.ContradictoryReplies, "client data beside client links ignored", nil)
	}
	all, err := p.ClientLinks(nil)
	if err != nil {
		count(&counters.MalformedMessages)
		return nil, err
	}
	links := []netip.Addr{}
	for _, l := range all {
		switch {
		case l.IsUnspecified(), slices.Contains(links, l):
		case len(links) == maxClientLinks:
			u.notes.odd(&counters.ClientLinksDropped, "more client links than we ask about", logrus.Fields{"links": len(all)})
			return links, nil
		default:
			links = append(links, l)
		}
	}
	return links, nil
}
