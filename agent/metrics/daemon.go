package metrics

import (
	"leaseroute/agent/control"
	"leaseroute/binding"
)

// daemon is how the daemon as a whole is.
var daemon = []Metric{
	gauge("build_info", "Always 1; the label says which version this is.", []Label{{Name: "version", From: "the build"}},
		func(s *control.Status, put put) { put(1, s.Version) }),
	gauge("start_time_seconds", "When the daemon started, in seconds since 1970.", nil,
		func(s *control.Status, put put) { put(seconds(s.Started)) }),
	one("state", "How far the recovery is: 1 for the state that it is in.",
		[]string{"starting", "recovering", "recovered", "degraded"},
		func(s *control.Status) string { return s.State }),
	gauge("recovered_after_seconds", "How long the recovery took from the start of the daemon; absent until it is over.", nil,
		func(s *control.Status, put put) {
			if s.RecoveredAfterSeconds != nil {
				put(*s.RecoveredAfterSeconds)
			}
		}),
	counter("reloads_total", "How often another configuration has taken effect.", nil,
		func(s *control.Status, put put) { put(float64(s.Reloads)) }),
	one("announce_state", "How well routing daemons know our routes: 1 for what is so.",
		[]string{"exact", "waiting", "repeating", "given up", "unknown", "off"},
		func(s *control.Status) string { return s.Announcing.State }),
	one("glean_state", "Whether DHCP messages are watched on the wire: 1 for what is so.",
		[]string{"watching", "off", "failed"},
		func(s *control.Status) string { return s.Gleaning }),
	one("on_demand_state", "Whether unknown addresses are noticed: 1 for what is so.",
		[]string{"armed", "off", "failed"},
		func(s *control.Status) string { return s.OnDemand.State }),
	gauge("on_demand_guard", "1 if packets from unknown sources are dropped (on_demand.mode: guard), else 0.", nil,
		func(s *control.Status, put put) { put(truth(s.OnDemand.Mode == "guard")) }),
}

// bindings is what is known, and what became of it.
var bindings = []Metric{
	counts("bindings", "Leases in the table, by what they are good for now.", "state", names(binding.Installed, binding.Kept),
		func(s *control.Status) map[string]int { return s.ByState }),
	counts("bindings_by_source", "Leases in the table, by who told about them last.", "source", names(binding.FromKernel, binding.FromGlean),
		func(s *control.Status) map[string]int { return s.BySource }),
	counts("bindings_unrouted", "Leases in the table that have no route, by reason, in the words of 'leaseroute explain'.", "reason",
		names(binding.OutsideAllowed, binding.InterfaceMissing),
		func(s *control.Status) map[string]int { return s.Refused }),
	single("bindings_in_doubt", "Leases in the table, with a route or without, that the servers are asked about.",
		func(s *control.Status) int { return s.InDoubt }),
	single("bindings_obstructed", "Leases in the table whose route is tried again when what is in its way has gone.",
		func(s *control.Status) int { return s.Obstructed }),
	single("clients", "Clients that the table knows by their DUID.",
		func(s *control.Status) int { return s.Clients }),
	single("tombstones", "Leases that have ended, and that older words about them can't bring back.",
		func(s *control.Status) int { return s.Tombstones }),
	single("routes", "Routes to leases in the kernel.",
		func(s *control.Status) int { return s.RoutesInstalled }),
	single("changes_pending", "Changes of routes that were decided and are not yet in the kernel.",
		func(s *control.Status) int { return s.ChangesPending }),
}

// names are those of the values from first to last.
func names[T interface {
	~uint8
	String() string
}](first, last T) []string {
	var out []string
	for v := first; v <= last; v++ {
		out = append(out, v.String())
	}
	return out
}
