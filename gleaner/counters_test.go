package gleaner

import (
	"regexp"
	"testing"
)

// The names are a promise: each counter has one, and no two the same.
func TestCounterNames(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	for i, name := range counterNames {
		if !snake.MatchString(name) {
			t.Errorf("counter %d is called %q", i, name)
		}
	}
	if got := len(Stats{}.Map()); got != int(numCounters) {
		t.Errorf("%d names, want %d", got, numCounters)
	}
}
