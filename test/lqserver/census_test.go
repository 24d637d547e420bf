package lqserver

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestCensus(t *testing.T) {
	// bubble runs a server that is slow, if at all, with its answers.
	bubble := func(t *testing.T, f DatagramFaults, test func(t *testing.T, s *Server, p *packetPipe)) {
		synctest.Test(t, func(t *testing.T) {
			s, p := packets(t, fixture(), func(o *Options) { o.Faults.UDP = f })
			test(t, s, p)
		})
	}
	t.Run("the peak is that of any second, not of the clock's", func(t *testing.T) {
		bubble(t, DatagramFaults{}, func(t *testing.T, s *Server, p *packetPipe) {
			for _, pause := range []time.Duration{0, 700, 200, 0, 700, 99, 1, 5000, 0} { // milliseconds
				time.Sleep(pause * time.Millisecond)
				p.send(numbered(1).message())
			}
			// Within 999 ms from the second one on: at 700, 900, 900, 1600, 1699.
			if st := s.Stats().UDP; st.Peak != 5 || st.Received != 9 || st.Transactions != 1 {
				t.Errorf("stats: %+v", st)
			}
		})
	})
	t.Run("transactions without an answer", func(t *testing.T) {
		bubble(t, DatagramFaults{Delay: 500 * time.Millisecond}, func(t *testing.T, s *Server, p *packetPipe) {
			p.send(numbered(1).message(), numbered(2).message(), numbered(1).message())
			time.Sleep(500 * time.Millisecond)
			p.answers()
			p.send(numbered(3).message())
			if st := s.Stats().UDP; st.Outstanding != 2 || st.Transactions != 3 {
				t.Errorf("stats: %+v", st)
			}
		})
	})
	t.Run("answered at once they are never more than one", func(t *testing.T) {
		bubble(t, DatagramFaults{}, func(t *testing.T, s *Server, p *packetPipe) {
			for id := range byte(20) {
				p.send(numbered(id).message())
			}
			if n := s.Stats().UDP.Outstanding; n != 1 {
				t.Errorf("%d outstanding", n)
			}
		})
	})
	t.Run("one that nobody can be waiting for any more doesn't count", func(t *testing.T) {
		bubble(t, DatagramFaults{Dead: true}, func(t *testing.T, s *Server, p *packetPipe) {
			for id := range byte(10) {
				p.send(numbered(id).message())
				time.Sleep(900 * time.Millisecond)
			}
			if n := s.Stats().UDP.Outstanding; n != 1 {
				t.Errorf("%d outstanding", n)
			}
		})
	})
	t.Run("retransmission makes it wait for longer", func(t *testing.T) {
		bubble(t, DatagramFaults{Dead: true}, func(t *testing.T, s *Server, p *packetPipe) {
			p.send(numbered(1).message())
			time.Sleep(time.Second)
			p.send(numbered(1).message())
			time.Sleep(1700 * time.Millisecond)
			p.send(numbered(2).message())
			if st := s.Stats().UDP; st.Outstanding != 2 || st.Transactions != 2 {
				t.Errorf("stats: %+v", st)
			}
		})
	})
	t.Run("another requestor's query is another transaction", func(t *testing.T) {
		bubble(t, DatagramFaults{LoseFirst: 1}, func(t *testing.T, s *Server, p *packetPipe) {
			other := requestor
			other.Port++
			p.in <- letter{octets: numbered(1).message(), addr: other}
			if got := answered(p, 1, 1); got != "01" || s.Stats().UDP.Transactions != 2 {
				t.Errorf("answers %s, stats %+v", got, s.Stats().UDP)
			}
		})
	})
	t.Run("a transaction is remembered for as long as it may be sent again, and forgotten then", func(t *testing.T) {
		bubble(t, DatagramFaults{LoseFirst: 1}, func(t *testing.T, s *Server, p *packetPipe) {
			got := answered(p, 1)
			time.Sleep(11 * time.Second)
			got += answered(p, 1, 2)
			time.Sleep(11 * time.Second)
			got += answered(p, 1, 2)
			time.Sleep(time.Minute)
			answered(p, 3) // what was young is old, and what was old is gone
			time.Sleep(maxWaited)
			if got += answered(p, 1); got != "010110" {
				t.Errorf("answers %s", got)
			}
		})
	})
}

func TestPatience(t *testing.T) {
	for n, want := range []time.Duration{900, 900, 1710, 3249, 6173, 9000, 9000} { // milliseconds
		if got := patience(n).Truncate(time.Millisecond); got != want*time.Millisecond {
			t.Errorf("after transmission %d (R20): %s, want %dms", n, got, want)
		}
	}
}
