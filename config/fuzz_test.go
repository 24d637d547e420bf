package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLoad reads anything as YAML, TOML and JSON: it never panics, what it
// accepts is within bounds, and what it says is bounded and printable.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*", "testdata/bad/*", "leaseroute.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range []string{"x.yaml", "x.toml", "x.json"} {
			c, err := parse(name, b, nil)
			if err == nil {
				checkBounds(t, c)
				continue
			}
			faults, ok := errors.AsType[Faults](err)
			if !ok || len(faults) == 0 || len(faults) > maxFaults+1 {
				t.Fatalf("%s: %d faults: %v", name, len(faults), err)
			}
			checkPrintable(t, err.Error(), len(faults))
		}
	})
}

// checkPrintable wants so many lines of sane length and content.
func checkPrintable(t *testing.T, s string, lines int) {
	t.Helper()
	if got := strings.Count(s, "\n") + 1; got != lines {
		t.Errorf("%d lines for %d faults: %q", got, lines, s)
	}
	for line := range strings.SplitSeq(s, "\n") {
		if len(line) > 1000 || !utf8.ValidString(line) || strings.ContainsFunc(line, isControl) {
			t.Errorf("a bad line: %q", line)
		}
	}
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }

// checkBounds wants what others rely on without looking.
func checkBounds(t *testing.T, c *Config) {
	t.Helper()
	if len(c.Servers) < 1 || len(c.Servers) > maxServers || len(c.Delegation.Allowed) < 1 {
		t.Errorf("%d servers, %d allowed", len(c.Servers), len(c.Delegation.Allowed))
	}
	d := c.Delegation
	if d.MinLength < 1 || d.MinLength > d.MaxLength || d.MaxLength > 128 || d.MaxBindings < 1 {
		t.Errorf("delegation %+v", d)
	}
	for _, p := range d.Allowed {
		if !p.IsValid() || p != p.Masked() || p.Bits() == 0 || p.Bits() > d.MaxLength {
			t.Errorf("allowed %s", p)
		}
	}
	for _, s := range c.Servers {
		if s.Name == "" || !s.Address.IsValid() || s.Address.Port() == 0 || s.DataTimeout <= 0 || len(s.Queries) == 0 || s.SuspectRate <= 0 {
			t.Errorf("server %+v", s)
		}
	}
	if c.Routes.Table == 0 || c.Routes.Protocol < 5 || c.Routes.Metric < 1 || c.Routes.Metric > maxMetric {
		t.Errorf("routes %+v", c.Routes)
	}
}
