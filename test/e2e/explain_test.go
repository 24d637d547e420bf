//go:build linux

package e2e

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"leaseroute/agent/control"
)

// explains fails the test unless explain, in text, says all of want.
func (s *site) explains(t *testing.T, prefix string, want ...string) {
	t.Helper()
	stdout, stderr, code := s.Run(t, "explain", prefix)
	if code != 0 || stderr != "" {
		t.Fatalf("explain %s: exit %d: %s", prefix, code, stderr)
	}
	for _, w := range want {
		if !strings.Contains(stdout, w) {
			t.Errorf("explain %s does not say %q, but\n%s", prefix, w, stdout)
		}
	}
}

// story is what explain says as JSON.
func (s *site) story(t *testing.T, prefix string) (e control.Explanation) {
	t.Helper()
	s.json(t, &e, "explain", prefix)
	return e
}

// json runs a command with --json and decodes what it prints.
func (s *site) json(t *testing.T, v any, args ...string) {
	t.Helper()
	stdout, stderr, code := s.Run(t, append(args, "--json")...)
	if code != 0 || stderr != "" {
		t.Fatalf("%s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	must(t, d.Decode(v))
}

// names fails the test unless explain, in text and as JSON, says that rule
// decided between two clients, and for whom.
func (s *site) names(t *testing.T, prefix, rule string, winner, loser byte) {
	t.Helper()
	if err := decided(s.story(t, prefix), rule, duidOf(winner), duidOf(loser)); err != nil {
		t.Error(err)
	}
	s.explains(t, prefix, "client "+duidOf(winner)+" via", "["+rule+"]", "against ")
}

// decided says what a story lacks.
func decided(e control.Explanation, rule, winner, loser string) error {
	if e.Binding == nil || e.Binding.ClientDUID != winner {
		return fmt.Errorf("explain %s: the binding is %+v, want client %s", e.Asked, e.Binding, winner)
	}
	for _, v := range e.Events {
		won, lost := v.Client, v.Other
		if !v.Won {
			won, lost = lost, won
		}
		if v.Rule == rule && won == winner && lost == loser {
			return nil
		}
	}
	return fmt.Errorf("explain %s: no event says that %s decided for %s against %s: %+v", e.Asked, rule, winner, loser, e.Events)
}

// duidOf is a client's DUID as it is shown.
func duidOf(client byte) string {
	var parts []string
	for _, b := range clientDUID(client) {
		parts = append(parts, hex.EncodeToString([]byte{b}))
	}
	return strings.Join(parts, ":")
}
