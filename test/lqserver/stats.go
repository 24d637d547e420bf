package lqserver

import "sync/atomic"

// Stats is what the server did since New.
type Stats struct {
	Accepted uint64               // connections, those closed at once included
	Refused  uint64               // closed at once: not allowed, too many, or by a fault
	Open     int64                // connections now
	Faulty   int64                // connections with faults, since SetFaults
	Queries  map[QueryType]uint64 // answered; other numbers than the five are counted as 0
	Dropped  uint64               // queries that S1 or a fault dropped
	Answers  uint64               // answers that came to their end
	Messages uint64               // REPLY, DATA and DONE
	Bindings uint64               // leases in them

	UDP DatagramStats // nothing of it is in the above
}

// DatagramStats is what the server did over UDP since New.
type DatagramStats struct {
	Received uint64               // datagrams, whatever was in them
	Dropped  uint64               // those that a rule, the rate limit or a fault left without an answer
	Answered uint64               // answers sent; the copies of a fault are not counted
	Faulty   uint64               // queries with faults, since SetFaults
	Queries  map[QueryType]uint64 // answered, or with an answer under way; as above
	Bindings uint64               // leases in the answers

	// Transactions is how many there were, each counted once however often it
	// was sent.
	Transactions uint64
	// Peak is the largest number of datagrams received within one second, no
	// matter when it began.
	Peak int
	// Outstanding is the largest number of transactions at one time that had
	// no answer and whose requestor was certainly still waiting: it keeps to
	// the retransmission of RFC 5007. There may have been more.
	Outstanding int
}

// counters are the live form of Stats.
type counters struct {
	accepted, refused, dropped, answers, messages, bindings atomic.Uint64
	open, faulty                                            atomic.Int64
	queries                                                 typeCounters
	udp                                                     datagramCounters
}

// datagramCounters are the live form of DatagramStats, but for what a census
// counts.
type datagramCounters struct {
	received, dropped, answered, faulty, bindings atomic.Uint64
	queries                                       typeCounters
}

// typeCounters count queries by type. 0 is for all that are not one of the five.
type typeCounters [ByRemoteID + 1]atomic.Uint64

func (c *typeCounters) add(t QueryType) {
	if t > ByRemoteID {
		t = 0
	}
	c[t].Add(1)
}

// counts are the types that were counted.
func (c *typeCounters) counts() map[QueryType]uint64 {
	m := make(map[QueryType]uint64)
	for t := range c {
		if n := c[t].Load(); n > 0 {
			m[QueryType(t)] = n
		}
	}
	return m
}

// Stats returns the counters as they are now.
func (s *Server) Stats() Stats {
	c := &s.stats
	return Stats{
		Accepted: c.accepted.Load(),
		Refused:  c.refused.Load(),
		Open:     c.open.Load(),
		Faulty:   c.faulty.Load(),
		Queries:  c.queries.counts(),
		Dropped:  c.dropped.Load(),
		Answers:  c.answers.Load(),
		Messages: c.messages.Load(),
		Bindings: c.bindings.Load(),
		UDP:      s.datagramStats(),
	}
}

func (s *Server) datagramStats() DatagramStats {
	c := &s.stats.udp
	st := DatagramStats{
		Received: c.received.Load(),
		Dropped:  c.dropped.Load(),
		Answered: c.answered.Load(),
		Faulty:   c.faulty.Load(),
		Queries:  c.queries.counts(),
		Bindings: c.bindings.Load(),
	}
	s.census.report(&st)
	return st
}
