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
}

// counters are the live form of Stats.
type counters struct {
	accepted, refused, dropped, answers, messages, bindings atomic.Uint64
	open, faulty                                            atomic.Int64
	queries                                                 [ByRemoteID + 1]atomic.Uint64
}

func (c *counters) query(t QueryType) {
	if t > ByRemoteID {
		t = 0
	}
	c.queries[t].Add(1)
}

// Stats returns the counters as they are now.
func (s *Server) Stats() Stats {
	c := &s.stats
	st := Stats{
		Accepted: c.accepted.Load(),
		Refused:  c.refused.Load(),
		Open:     c.open.Load(),
		Faulty:   c.faulty.Load(),
		Queries:  make(map[QueryType]uint64),
		Dropped:  c.dropped.Load(),
		Answers:  c.answers.Load(),
		Messages: c.messages.Load(),
		Bindings: c.bindings.Load(),
	}
	for t := range c.queries {
		if n := c.queries[t].Load(); n > 0 {
			st.Queries[QueryType(t)] = n
		}
	}
	return st
}
