package agent

import (
	"maps"

	"leaseroute/binding"
)

// counters gathers what was dropped, refused, retried or repaired: the
// table's, the kernel's, the gleaner's, the lookups', and all servers' together.
func (a *Agent) counters(c binding.Counts) map[string]uint64 {
	out := tableCounters(c)
	maps.Copy(out, a.kernel.Stats().Map())
	maps.Copy(out, a.owner.announce.counts.all())
	if a.gleaning() {
		for name, n := range a.gleaner.Stats().Map() {
			out["glean_"+name] = n
		}
	}
	for name, n := range a.engine.Stats() {
		out["on_demand_"+name] = n
	}
	for _, p := range a.ports {
		for name, n := range p.Counters().All() {
			out["udp_"+name] += n
		}
	}
	maps.Copy(out, askerCounters(a.crowd.Dropped(), a.metrics.Dropped()))
	for _, s := range a.servers {
		for name, n := range s.Status().Counters.All() {
			out[name] += n
		}
	}
	return out
}

// askerCounters names the connections of those who ask us that made room for
// others.
func askerCounters(control, metrics uint64) map[string]uint64 {
	return map[string]uint64{"control_connections_dropped": control, "metrics_connections_dropped": metrics}
}

// tableCounters names what the table has counted.
func tableCounters(c binding.Counts) map[string]uint64 {
	out := map[string]uint64{
		"observations_malformed": c.Malformed,
		"observations_merged":    c.Merged,
		"conflicts":              c.Conflicts,
		"conflicts_tied":         c.Ties,
		"claims_repelled":        c.Repelled,
		"tombstone_holds":        c.TombstoneHolds,
		"sequence_lockouts":      c.Lockouts,
		"sequence_epoch_resets":  c.EpochResets,
		"table_full":             c.TableFull,
		"expired_on_arrival":     c.ExpiredOnArrival,
		"bindings_expired":       c.Expired,
		"bindings_withdrawn":     c.Withdrawn,
		"bindings_released":      c.Released,
		"bindings_denied":        c.Denied,
		"bindings_cleared":       c.Cleared,
		"bindings_doubted":       c.Doubts,
		"releases_disputed":      c.ReleasesDisputed,
		"bindings_repaired":      c.Repaired,
		"kernel_failures":        c.Failures,
	}
	for i, n := range c.Observations {
		out["observations_"+binding.Source(i).String()] = n
	}
	for i, n := range c.Changes {
		out["changes_"+binding.Op(i).String()] = n
	}
	return out
}
