package routes

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A finding is what the kernel holds of a prefix.
type finding uint8

const (
	unclear finding = iota // the kernel's answer is about another route
	nowhere                // it knows no route at all: in the tables that its rules name
	absent                 // a shorter prefix serves
	ours
	foreign
)

// look asks what the kernel holds of each job's prefix, in batches.
func (k *Kernel) look(jobs []*job) error {
	for len(jobs) > 0 {
		n := min(maxBatch, len(jobs))
		if err := k.lookBatch(k.socket, jobs[:n]); err != nil {
			return fmt.Errorf("look up routes: %w", err)
		}
		jobs = jobs[n:]
	}
	return nil
}

// lookBatch is look in one system call. What is not answered stays unclear.
func (k *Kernel) lookBatch(s *socket, jobs []*job) error {
	first := s.seq
	s.out = s.out[:0]
	for _, j := range jobs {
		j.found, j.held = unclear, route{}
		s.out = appendLookup(s.out, s.seq, last(j.route.prefix))
		s.seq++
	}
	k.lookups.Add(uint64(len(jobs)))
	if err := s.send(); err != nil {
		return err
	}
	for left := len(jobs); left > 0; {
		b, err := s.receive()
		if errors.Is(err, errLost) {
			s.drain()
			return nil
		} else if err != nil {
			return err
		}
		n, err := k.findings(b, first, jobs)
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// findings takes in the answers in one datagram and returns their number.
// Another error than that of no route at all is what a route that refuses
// packets gives, and leaves the matter unclear.
func (k *Kernel) findings(b []byte, first uint32, jobs []*job) (n int, err error) {
	for len(b) > 0 {
		var m message
		if m, b, err = nextMessage(b); err != nil {
			return n, err
		}
		i := int(m.seq - first)
		if i < 0 || i >= len(jobs) {
			continue // an answer to a request that was given up
		}
		n++
		if m.kind == unix.NLMSG_ERROR {
			if answer, err := parseAnswer(m); err == nil && answer.errno == unix.ENETUNREACH {
				jobs[i].found = nowhere
			}
			continue
		}
		if jobs[i].held, err = parseRoute(m.payload); err != nil {
			return n, err
		}
		jobs[i].found = k.judge(jobs[i].route.prefix, &jobs[i].held)
	}
	return n, nil
}

// judge says what r, the route that the kernel would use for the last address
// of p, tells of p itself. A shorter one tells that p has none; the kernel
// returns the best metric only, and looks in the tables that its rules name.
func (k *Kernel) judge(p netip.Prefix, r *route) finding {
	switch {
	case r.table != k.options.Table || r.prefix.Bits() > p.Bits():
		return unclear
	case r.prefix != p:
		return absent
	case r.protocol != k.options.Protocol:
		return foreign
	case r.metric == k.options.Metric:
		return ours
	}
	return unclear
}

// appendLookup adds a request for the route to a: the entry of the table
// itself, not what a packet would get.
func appendLookup(b []byte, seq uint32, a netip.Addr) []byte {
	at := len(b)
	family := uint8(unix.AF_INET6)
	if a.Is4() {
		family = unix.AF_INET
	}
	b = appendHeader(b, unix.RTM_GETROUTE, 0, seq)
	b = append(b, family, uint8(a.BitLen()), 0, 0, 0, 0, 0, 0)
	b = native.AppendUint32(b, unix.RTM_F_FIB_MATCH)
	return finish(appendAddress(b, unix.RTA_DST, a), at)
}

// last returns the last address of p: the one that a longer prefix inside it
// is least likely to have taken.
func last(p netip.Prefix) netip.Addr {
	a := p.Addr().As16()
	offset := 128 - p.Addr().BitLen()
	for i := offset + p.Bits(); i < 128; i++ {
		a[i/8] |= 0x80 >> (i % 8)
	}
	if p.Addr().Is4() {
		return netip.AddrFrom16(a).Unmap()
	}
	return netip.AddrFrom16(a)
}
