package routes

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// A job is one message to the kernel, and its answer.
type job struct {
	change int // index of the change that it carries out; -1: none
	step   step
	route  route
	answer answerError // errno 0: success

	doubtful bool    // look before it is done
	found    finding // what a look found the kernel to hold
	held     route   // and the route itself, if there is one
}

// endless reports whether the job makes a route without an expiry.
func (j *job) endless() bool {
	return j.step != remove && j.route.kind == unix.RTN_UNICAST && j.route.expires == 0
}

// write carries out jobs in batches, at the configured pace, and fills in
// their answers. On an error those of the rest are not known.
func (k *Kernel) write(ctx context.Context, jobs []job) error {
	for len(jobs) > 0 {
		n := min(k.batch, len(jobs))
		if err := k.pace(ctx, n); err != nil {
			return err
		}
		err := k.exchange(jobs[:n])
		if errors.Is(err, errLost) {
			k.lostAcks.Add(1)
			err = k.exchangeOneByOne(jobs[:n])
		}
		if err != nil {
			return fmt.Errorf("write routes: %w", err)
		}
		jobs = jobs[n:]
	}
	return nil
}

// pace waits until n messages may be written.
func (k *Kernel) pace(ctx context.Context, n int) error {
	if k.limiter == nil {
		return ctx.Err()
	}
	return k.limiter.WaitN(ctx, n)
}

// exchangeOneByOne repeats a batch whose answers were lost. The kernel has
// carried it out all the same: a repeated removal finds nothing, a repeated
// creation finds our own route, and both are known to be harmless.
func (k *Kernel) exchangeOneByOne(jobs []job) error {
	k.socket.drain()
	for i := range jobs {
		if err := k.exchange(jobs[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// exchange sends jobs in one system call. Only the last is answered in any
// case; of the others only failures are.
func (k *Kernel) exchange(jobs []job) error {
	s := k.socket
	first, last := s.seq, 0
	s.out = s.out[:0]
	for i := range jobs {
		last = len(s.out)
		jobs[i].answer = answerError{}
		k.endless = k.endless || jobs[i].endless()
		s.out = k.encoder.append(s.out, jobs[i].step, s.seq, &jobs[i].route)
		s.seq++
	}
	const flags = 6
	native.PutUint16(s.out[last+flags:], native.Uint16(s.out[last+flags:])|unix.NLM_F_ACK)
	k.messages.Add(uint64(len(jobs)))
	k.batches.Add(1)
	if err := s.send(); err != nil {
		return err
	}
	return s.answers(first, jobs)
}

// answers reads until the last of jobs, which are numbered from first, is
// answered. The error is errLost if that never comes.
func (s *socket) answers(first uint32, jobs []job) error {
	for {
		b, err := s.receive()
		if err != nil {
			return err
		}
		for len(b) > 0 {
			var m message
			if m, b, err = nextMessage(b); err != nil {
				return err
			}
			i := int(m.seq - first)
			if m.kind != unix.NLMSG_ERROR || i < 0 || i >= len(jobs) {
				continue // an answer to a request that was given up
			}
			if jobs[i].answer, err = parseAnswer(m); err != nil {
				return err
			}
			if i == len(jobs)-1 {
				return nil
			}
		}
	}
}
