package numbers

import (
	"regexp"
	"testing"
)

// The names are a promise to whoever reads status or metrics.
func TestNumbersAreWellFormed(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	meaning := regexp.MustCompile(`^[A-Za-z].*[^.;:, ]$`)
	seen := make(map[string]bool)
	for n := range All() {
		if !name.MatchString(n.Name) || !meaning.MatchString(n.Meaning) {
			t.Errorf("number %q means %q", n.Name, n.Meaning)
		}
		if seen[n.Name] {
			t.Errorf("number %s is there twice", n.Name)
		}
		if n.PerServer && n.Gauge {
			t.Errorf("number %s: status adds the servers' up, which makes no sense of a gauge", n.Name)
		}
		seen[n.Name] = true
		if got, ok := Of(n.Name); !ok || got != n {
			t.Errorf("number %s can't be looked up", n.Name)
		}
	}
	if _, ok := Of("something_new"); ok {
		t.Error("a number that is none is known")
	}
}
