//go:build linux

package e2e

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"leaseroute/test/lqserver"
)

// A shape is what a script may rely on (DESIGN.md 5): keys that are there, and
// the form of their values as a regular expression for their JSON.
type shape map[string]string

const (
	aTime      = `"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`
	aNull      = `null`
	words      = `"[^"]+"`
	maybeWords = `"[^"]*"`
	aNumber    = `\d+`
	aList      = `\[.*\]`
	anObject   = `\{.*\}`
	aDUID      = `"[0-9a-f]{2}(:[0-9a-f]{2})+"`
)

var statusShape = shape{
	"version": words, "started": aTime, "state": `"recovered"`, "recovered_after_seconds": `\d+(\.\d+)?(e-\d+)?`,
	"bindings": aNumber, "routes_installed": aNumber, "by_state": anObject, "refused": anObject, "relay_id": aDUID,
	"changes_pending": `0`, "servers": aList, "counters": anObject, "goroutines": aNumber,
}

var serverShape = shape{
	"name": words, "address": words, "duid": aDUID, "state": `"complete"`, "query": maybeWords, "last_complete": aTime, "next_try": aNull,
	"rounds": aNumber, "requests_served": aNumber, "bindings_received": aNumber, "error": `""`, "counters": anObject,
}

var bindingShape = shape{
	"prefix": words, "kind": `"delegated prefix"`, "client_duid": aDUID, "interface": words, "next_hop": words,
	"valid_until": aTime, "preferred_until": aTime, "clt": aTime, "server": words, "server_duid": aDUID,
	"sequence_number": aNull, "source": `"bulk"`, "state": `"installed"`, "reason": words, "detail": `""`,
}

var routeShape = shape{"prefix": words, "next_hop": words, "interface": words, "expires": aTime, "state": `"installed"`}

var explanationShape = shape{
	"asked": words, "prefix": words, "binding": anObject, "events": aList, "kernel": words, "advice": `""`,
}

var eventShape = shape{
	"at": aTime, "source": `"bulk"`, "server": words, "client_duid": aDUID, "clt": aTime, "sequence_number": aNull,
	"rule": `"R70"`, "reason": words, "won": `true`, "other_client_duid": `""`,
}

// holds fails the test unless the keys of a JSON object are there as the shape
// says. There may be more.
func (want shape) holds(t *testing.T, what string, object json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	var got map[string]json.RawMessage
	if err := json.Unmarshal(object, &got); err != nil {
		t.Fatalf("%s: %v: %s", what, err, object)
	}
	for key, form := range want {
		value, ok := got[key]
		switch {
		case !ok:
			t.Errorf("%s lacks %s", what, key)
		case !regexp.MustCompile("(?s)^" + form + "$").Match(value):
			t.Errorf("%s: %s is %s, want %s", what, key, value, form)
		}
	}
	return got
}

// only is the only element of a JSON array.
func only(t *testing.T, what string, array json.RawMessage) json.RawMessage {
	t.Helper()
	var all []json.RawMessage
	must(t, json.Unmarshal(array, &all))
	if len(all) != 1 {
		t.Fatalf("%s: %d elements, want 1", what, len(all))
	}
	return all[0]
}

// TestShapes holds what commands print against what scripts may rely on.
func TestShapes(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	list := s.list(lease)
	s.serve(t, 547, list, lqserver.Options{})
	s.Start(t)
	s.settled(t)
	printed := func(args ...string) json.RawMessage {
		t.Helper()
		var v json.RawMessage
		s.json(t, &v, args...)
		return v
	}
	status := statusShape.holds(t, "status", printed("status"))
	serverShape.holds(t, "status: servers", only(t, "servers", status["servers"]))
	serverShape.holds(t, "show servers", only(t, "show servers", printed("show", "servers")))
	bindingShape.holds(t, "show bindings", only(t, "show bindings", printed("show", "bindings")))
	routeShape.holds(t, "show routes", only(t, "show routes", printed("show", "routes")))
	told := explanationShape.holds(t, "explain", printed("explain", lease.Prefix.String()))
	bindingShape.holds(t, "explain: binding", told["binding"])
	eventShape.holds(t, "explain: events", only(t, "events", told["events"]))

	for what, want := range map[string]string{
		"status":        `(?s)^leaseroute \S+, up \d+s\nstate     recovered after \d+\.\d{3} s\nrelay-id  [0-9a-f:]+\nbindings  1: 1 installed\nroutes    1 in the kernel\nannounced exact\ngleaning  on \d+ interfaces: \d+ packets, 0 lost, 0 answers learnt from, 0 releases\non demand [^\n]+\n\nSERVER  ADDRESS .*\ndhcp1   \[2001:db8:0:1::1\]:547  complete  \d+s ago .*\n$`,
		"show bindings": `^PREFIX +STATE +NEXT HOP +INTERFACE +VALID FOR +SERVER +SOURCE +CLIENT +REASON\n2001:db8:8000:100::/56 +installed +fe80::101 +acc0 +23h\d+m\d+s +dhcp1 +bulk +\S+ +first word about this lease\n$`,
		"show routes":   `^PREFIX +NEXT HOP +INTERFACE +EXPIRES IN +STATE\n2001:db8:8000:100::/56 +fe80::101 +acc0 +\S+ +installed\n$`,
		"show servers":  `^SERVER +ADDRESS +STATE +LAST COMPLETE +RECEIVED +ASKING +LOOKUP +ERROR\ndhcp1 +\S+ +complete +\d+s ago +1 +- +\w+ +-\n$`,
		"version":       `^leaseroute \S+ \(go\S+ linux/\S+\)\n$`,
	} {
		stdout, stderr, code := s.Run(t, strings.Fields(what)...)
		if code != 0 || stderr != "" || !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("%s: exit %d, stderr %q, stdout\n%s\nwant\n%s", what, code, stderr, stdout, want)
		}
	}
	s.nulls(t, list)
	s.Stop(t)
}

// nulls checks that what never ends is null, and in words that it is valid for
// ever and expires never.
func (s *site) nulls(t *testing.T, list *lqserver.List) {
	t.Helper()
	lease := heard(time.Minute, s.lease(1, "2001:db8:8000:100::/56", 0))
	lease.Valid, lease.Preferred = lqserver.Infinite, lqserver.Infinite
	list.Set(lease)
	s.resync(t)
	s.settled(t)
	var binding, route json.RawMessage
	s.json(t, &binding, "show", "bindings")
	s.json(t, &route, "show", "routes")
	bindingShape.but("valid_until", "preferred_until").holds(t, "an infinite binding", only(t, "show bindings", binding))
	routeShape.but("expires").holds(t, "its route", only(t, "show routes", route))
	if stdout, _, _ := s.Run(t, "show", "bindings"); !strings.Contains(stdout, "  ever  ") {
		t.Errorf("show bindings does not say that it is valid for ever:\n%s", stdout)
	}
	if stdout, _, _ := s.Run(t, "show", "routes"); !strings.Contains(stdout, "never") {
		t.Errorf("show routes does not say never:\n%s", stdout)
	}
}

// but is the shape with null for some keys.
func (want shape) but(keys ...string) shape {
	out := maps.Clone(want)
	for _, k := range keys {
		out[k] = aNull
	}
	return out
}
