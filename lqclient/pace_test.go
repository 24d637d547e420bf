package lqclient

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestPace (R96): a server never gets more in a second than it is to get, no
// matter when the second begins, and not much less either.
func TestPace(t *testing.T) {
	for _, most := range []int{1, 2, 3, 10, 11, 20, 99, 500} {
		synctest.Test(t, func(t *testing.T) {
			pace, began := newPace(float64(most)), time.Now()
			var sent []time.Time
			for len(sent) < 5*most {
				if err := pace.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				sent = append(sent, time.Now())
				if first := len(sent) - 1 - most; first >= 0 && sent[len(sent)-1].Sub(sent[first]) < time.Second {
					t.Fatalf("%d within a second, want at most %d", most+1, most)
				}
			}
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("%d took %s at %d a second", len(sent), took, most)
			}
		})
	}
}
