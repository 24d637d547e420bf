//go:build linux

package interop

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"leaseroute/test/lab"
)

// moments draws at random when a recovery is to be struck: by its progress,
// not by a clock. A recovery is struck at an octet of what Kea says, or when
// so many routes are in the kernel.
type moments struct {
	random *rand.Rand
	octets int // of a whole recovery
	routes int

	atOctet int             // drawn; below zero: not by octets
	atRoute int             // drawn
	stuck   <-chan struct{} // closed at atOctet
}

// draw draws the next moment and says it.
func (m *moments) draw() string {
	if m.random.IntN(2) == 0 {
		m.atOctet = m.random.IntN(m.octets)
		return fmt.Sprintf("at octet %d", m.atOctet)
	}
	m.atOctet, m.atRoute = -1, m.random.IntN(m.routes+1)
	return fmt.Sprintf("at %d routes", m.atRoute)
}

// arm is called before the recovery starts.
func (m *moments) arm(s *site) {
	if m.atOctet >= 0 {
		m.stuck = s.gate.StopAfter(m.atOctet)
	}
}

// wait waits for the moment.
func (m *moments) wait(t *testing.T, s *site) {
	t.Helper()
	if m.atOctet >= 0 {
		wait(t, m.stuck)
		return
	}
	s.kernel.atLeast(t, m.atRoute)
}

// A round is what one kill showed.
type round struct {
	routes int     // in the kernel at the moment of death
	after  float64 // seconds from the next start to recovered
	pings  lab.ProbeResult
}

// figures are what all rounds showed together.
type figures struct {
	rounds, fewest, most int
	total, slowest       float64
	pings                lab.ProbeResult
}

func (f *figures) add(r round) {
	if f.rounds == 0 {
		f.fewest = r.routes
	}
	f.rounds++
	f.fewest, f.most = min(f.fewest, r.routes), max(f.most, r.routes)
	f.total, f.slowest = f.total+r.after, max(f.slowest, r.after)
	f.pings.Sent += r.pings.Sent
	f.pings.Answered += r.pings.Answered
}
