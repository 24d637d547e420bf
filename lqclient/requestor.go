package lqclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// A Requestor keeps what one server has leased known: a round of queries at
// the start and whenever Resync asks for one, each followed by questions about
// suspects, with retries for ever. Nothing that happens between it and its
// server touches another (R130).
type Requestor struct {
	server    Server
	options   Options
	dial      dialFunc
	notes     *notes
	board     *board
	requests  *requests
	inquiries inquiries
	udp       *udpAsker // nil: not asked over UDP

	refusals    refusals // from here on: Run's goroutine only
	backoff     backoff
	breaks      breaks
	pace        *rate.Limiter // of questions about suspects
	left        job           // what an earlier Run had yet to do
	suspects    []binding.Key // listed, and not yet answered
	doubtedAnew []binding.Key // listed again after they were answered
}

// New returns a requestor that does nothing until its Run is called.
func New(s Server, o Options) *Requestor { return newRequestor(s, o, dialTCP) }

func newRequestor(s Server, o Options, dial dialFunc) *Requestor {
	s = s.withDefaults()
	log := o.Log
	if log != nil {
		log = log.WithField("server", s.Name)
	}
	n := newNotes(log)
	r := &Requestor{
		server:   s,
		options:  o,
		dial:     dial,
		notes:    n,
		board:    newBoard(n),
		requests: newRequests(),
		refusals: newRefusals(),
		breaks:   make(breaks),
		pace:     rate.NewLimiter(rate.Limit(s.SuspectRate), 1),
	}
	if s.Lookup && o.Port != nil {
		r.udp = newUDPAsker(o.Port, s, o.ClientID, n)
	}
	return r
}

// Resync asks for a round about some links, or about all if links is nil. It
// never blocks. What is asked for while a round runs waits for its end, and
// becomes one round; one about all takes in any link. It returns a number:
// when Status.Served has reached it, the round is over.
func (r *Requestor) Resync(links []Link) uint64 {
	return r.requests.add(job{all: links == nil, links: links})
}

// Settle asks for questions about suspects only, if there are any. It never
// blocks. Every round ends with them anyway.
func (r *Requestor) Settle() { r.requests.add(job{}) }

// Status returns what the requestor is doing, from any goroutine.
func (r *Requestor) Status() Status { return r.board.status() }

// Renumber gives the server another number. Run must not be running.
func (r *Requestor) Renumber(n binding.Server) { r.server.Number = n }

// Run works until ctx ends, and then returns nil. It may be called again then,
// and does not ask for everything anew.
func (r *Requestor) Run(ctx context.Context) error {
	j := r.left
	if first := r.Status().Rounds == 0; first {
		j.merge(job{all: true})
		if r.options.Jitter > 0 {
			sleep(ctx, rand.N(r.options.Jitter))
		}
	}
	defer func() { r.left = j }()
	for ctx.Err() == nil {
		r.takeRequests(&j)
		err := r.attempt(ctx, &j)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			r.rest(ctx, r.troubled(err, j), &j, errors.Is(err, errNoLinks))
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.requests.wake:
		}
	}
	return nil
}

// A questioner carries queries about single leases to the server and what is
// answered back.
type questioner interface {
	ask(context.Context, wire.Query, sink) (Answer, error)
}

// attempt does the job, which is empty from then on, and asks about suspects.
func (r *Requestor) attempt(ctx context.Context, j *job) error {
	if r.server.NoBulk {
		return r.attemptOverUDP(ctx, j)
	}
	l := newLine(func(ctx context.Context) (*Conn, error) {
		return connect(ctx, r.dial, r.server, r.options.ClientID, r.notes)
	})
	defer l.close()
	if !j.empty() {
		if err := r.round(ctx, l, *j); err != nil {
			return err
		}
		*j = job{}
	}
	return r.answerDoubts(ctx, l)
}

// answerDoubts asks about what is in doubt, and about the clients that wait.
func (r *Requestor) answerDoubts(ctx context.Context, by questioner) error {
	if err := r.settle(ctx, by); err != nil {
		return err
	}
	return r.inquire(ctx, by)
}

// attemptOverUDP is attempt for a server that can't be asked for everything.
// Its round is empty and proves nothing; it makes the server known to the
// table, so that it is asked about single leases.
func (r *Requestor) attemptOverUDP(ctx context.Context, j *job) error {
	if j.all {
		box := r.outbox(ctx)
		err := errors.Join(
			box.mark(binding.RoundBegins, r.server.Number, 0),
			box.mark(binding.RoundIncomplete, r.server.Number, 0))
		if err != nil {
			return err
		}
		r.board.change(func(s *Status) { s.Served = max(s.Served, j.request) })
	}
	*j = job{}
	if r.udp == nil {
		return nil
	}
	return r.answerDoubts(ctx, r.udp)
}

// takeRequests adds to the job what was asked for meanwhile, and reports
// whether everything was. Whoever asks for that wants to see what refused
// queries say now.
func (r *Requestor) takeRequests(j *job) (all bool) {
	asked := r.requests.take()
	if asked.all {
		r.refusals.forget()
	}
	j.merge(asked)
	return asked.all
}

// rest waits, and takes in what is asked for meanwhile. It is cut short when
// that is a round about all, when the job is not what failed, and with hurry
// when a link turns up.
func (r *Requestor) rest(ctx context.Context, pause time.Duration, j *job, hurry bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	hurry = hurry || j.empty()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-r.requests.wake:
			if r.takeRequests(j) || hurry && !j.empty() {
				return
			}
		}
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// outbox returns a new outbox to the receiver of all batches.
func (r *Requestor) outbox(ctx context.Context) outbox {
	return outbox{ctx: ctx, out: r.options.Out}
}

// decoder returns the decoder of an answer that comes by way of source.
func (r *Requestor) decoder(ctx context.Context, source binding.Source) *decoder {
	return newDecoder(&r.options, &r.server, source, r.notes, r.outbox(ctx))
}
