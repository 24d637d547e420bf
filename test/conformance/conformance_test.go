package main

import (
	"os"
	"strings"
	"testing"
)

// TestConformance holds the project against its own claims.
func TestConformance(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	tables, checks, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("every rule of this release has a test, and every number a rule", func(t *testing.T) {
		for _, f := range faults(tables, checks) {
			t.Error(f)
		}
	})
	t.Run("the page is up to date", func(t *testing.T) {
		have, err := os.ReadFile(page(root))
		if err != nil {
			t.Fatal(err)
		}
		if want := render(tables, checks); string(have) != want {
			t.Errorf("docs/conformance.md: run 'go generate ./test/conformance'; the first line that differs should be\n%s",
				firstDifference(string(have), want))
		}
	})
	t.Run("the checklist is whole", func(t *testing.T) {
		next := 1
		for _, table := range tables {
			for _, r := range table.Rules {
				if r.Number.kind() != "C" {
					continue
				}
				if r.Number.value() != next {
					t.Errorf("%s follows C%d", r.Number, next-1)
				}
				next = r.Number.value() + 1
			}
		}
		if next != 151 {
			t.Errorf("it ends at C%d, want C150", next-1)
		}
	})
}

// firstDifference is the first line of want that have has not in its place.
func firstDifference(have, want string) string {
	old := strings.Split(have, "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(old) || old[i] != line {
			return line
		}
	}
	return "(nothing: the page is too long)"
}
