package agent

import (
	"testing"

	"leaseroute/agent/numbers"
	"leaseroute/agent/ondemand"
	"leaseroute/binding"
	"leaseroute/gleaner"
	"leaseroute/lqclient"
	"leaseroute/routes"
)

// counted are the names of all that is counted, and whether it is counted for
// each server.
func counted() map[string]bool {
	out := make(map[string]bool)
	for name := range tableCounters(binding.Counts{}) {
		out[name] = false
	}
	for name := range (routes.Stats{}).Map() {
		out[name] = false
	}
	for name := range (&announceCounts{}).all() {
		out[name] = false
	}
	for name := range (gleaner.Stats{}).Map() {
		out["glean_"+name] = false
	}
	engine := ondemand.NewEngine(ondemand.EngineOptions{Detector: ondemand.NewNFT(ondemand.Options{})})
	for name := range engine.Stats() {
		out["on_demand_"+name] = false
	}
	for name := range (lqclient.PortCounters{}).All() {
		out["udp_"+name] = false
	}
	for name := range askerCounters(0, 0) {
		out[name] = false
	}
	for name := range (lqclient.Counters{}).All() {
		out[name] = true
	}
	return out
}

// Rule 12 of DESIGN.md 3: what is counted has a meaning, so that status and
// metrics show it; and nothing is described that nobody counts.
func TestEveryNumberHasAMeaning(t *testing.T) {
	described := make(map[string]bool)
	for n := range numbers.All() {
		described[n.Name] = n.PerServer
	}
	have := counted()
	for name, perServer := range have {
		if got, ok := described[name]; !ok || got != perServer {
			t.Errorf("%s is counted (for each server: %t), and described: %t (for each server: %t)", name, perServer, ok, got)
		}
	}
	for name := range described {
		if _, ok := have[name]; !ok {
			t.Errorf("%s is described, and nobody counts it", name)
		}
	}
}
