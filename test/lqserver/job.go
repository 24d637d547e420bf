package lqserver

import (
	"context"

	"github.com/insomniacslk/dhcp/iana"
)

// A job is a query being answered on a session: REPLY with the first binding,
// a DATA for each further one, one DONE (S23). It belongs to the session's
// writing goroutine.
type job struct {
	session *session
	query   *query
	answer  *answer

	identity []byte // SERVERID and CLIENTID of the REPLY, encoded
	style    style  // of a binding that no fault strikes
	made     message
	number   []byte // scratch for the sequence number option
	replied  bool
	sent     int  // messages
	bindings int  // CLIENT_DATA
	freed    bool // its slot was given back early
}

func newJob(s *session, q *query, a *answer) *job {
	j := &job{session: s, query: q, answer: a}
	j.identity = s.server.identity(q, s.faults)
	j.style = a.style()
	return j
}

// step sends the next part of the answer and reports whether there is more.
func (j *job) step(ctx context.Context) (more bool, err error) {
	if j.sent == 0 {
		if err := j.strike(ctx); err != nil {
			return false, err
		}
	}
	leases := j.answer.group(j.session.now)
	if leases == nil {
		return false, j.finish(ctx)
	}
	return true, j.tell(ctx, leases)
}

// tell sends one CLIENT_DATA, with what faults add to it.
func (j *job) tell(ctx context.Context, leases []Binding) error {
	j.bindings++
	f := j.session.faults
	struck := f.Every <= 1 || j.bindings%f.Every == 0
	if !j.replied && f.DataFirst {
		if err := j.sendLeases(ctx, Data, leases, struck); err != nil {
			return err
		}
	}
	kind := Data
	if !j.replied {
		kind, j.replied = Replies, true
	}
	if err := j.sendLeases(ctx, kind, leases, struck); err != nil {
		return err
	}
	if !struck {
		return nil
	}
	return j.repeat(ctx, leases)
}

// repeat sends duplicates and contradictions.
func (j *job) repeat(ctx context.Context, leases []Binding) error {
	f := j.session.faults
	if f.Duplicate {
		if err := j.sendLeases(ctx, Data, leases, true); err != nil {
			return err
		}
	}
	if f.Contradict != NoContradiction {
		other := contradict(leases[0], f.Contradict, j.session.now)
		return j.sendLeases(ctx, Data, []Binding{other}, true)
	}
	return nil
}

// finish ends the answer: with a DONE if there was a binding (S23), with a
// REPLY alone if not (S24, S25).
func (j *job) finish(ctx context.Context) error {
	f := j.session.faults
	if !j.replied {
		m := j.message(Replies)
		m.status, m.text, m.sequence = j.answer.Status, j.answer.Text, j.sequence(0)
		if m.status == iana.StatusSuccess && j.session.engine.manner.ExplicitStatus {
			m.text = j.answer.success(false)
		}
		if err := j.send(ctx, m, &j.style); err != nil || !f.DoneAfterEmpty {
			return err
		}
	}
	if f.NoDone {
		return nil
	}
	if err := j.send(ctx, j.message(Dones), &j.style); err != nil || !f.DoubleDone {
		return err
	}
	return j.send(ctx, j.message(Dones), &j.style)
}

// sendLeases sends one CLIENT_DATA in a message of that kind.
func (j *job) sendLeases(ctx context.Context, kind Messages, leases []Binding, struck bool) error {
	if at(j.session.faults.SecondReply, j.sent) {
		kind = Replies
	}
	m := j.message(kind)
	m.leases = leases
	if kind == Replies && j.session.engine.manner.ExplicitStatus {
		m.text = j.answer.success(true)
	}
	if n := leases[0].Sequence; n != 0 || kind == Replies || j.session.sequences.inData {
		m.sequence = j.sequence(n)
	}
	s := &j.style
	if struck && !j.session.plain {
		s = j.session.faults.style(j.style)
	}
	j.session.stats.bindings.Add(uint64(len(leases)))
	return j.send(ctx, m, s)
}

// message returns a message of the query without content. It is the job's
// only one: it must be sent before the next is made.
func (j *job) message(kind Messages) *message {
	m := &j.made
	*m = message{kind: kind, id: j.query.ID}
	if kind == Dones {
		return m
	}
	m.baseTime = j.answer.baseTime()
	if kind == Replies {
		m.identity = j.identity
	}
	return m
}

// send writes one message, or what faults make of it, and lets the faults
// strike that come after it.
func (j *job) send(ctx context.Context, m *message, s *style) error {
	out := &j.session.out
	if j.session.plain {
		out.buf = m.appendFrame(out.buf, j.session.now, s)
	} else if err := j.sendDamaged(ctx, m, s); err != nil {
		return err
	}
	j.sent++
	j.session.stats.messages.Add(1)
	if len(out.buf) >= out.full {
		if err := j.session.flush(ctx); err != nil {
			return err
		}
	}
	return j.strike(ctx)
}

// sequence returns the server's sequence number option, empty if the server
// sends none. n is the number to say; 0: the next one.
func (j *job) sequence(n uint64) []byte {
	j.number = j.session.sequences.append(j.number[:0], n, j.session.faults)
	return j.number
}
