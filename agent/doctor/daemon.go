package doctor

import (
	"context"
	"fmt"
)

// lookAtDaemon says how the running daemon sees itself.
func lookAtDaemon(_ context.Context, p *Patient) []Finding {
	s := p.Status
	if s == nil {
		return []Finding{{
			Level: Warn, Found: fmt.Sprintf("no daemon answers on %s", p.Config.Control.Socket),
			Why: "nothing is routed or watched now", Fix: "systemctl start leaseroute, or 'leaseroute run'; name its configuration with -c",
		}}
	}
	found := []Finding{ok("", fmt.Sprintf("%s: %d bindings, %d routes", s.State, s.Bindings, s.RoutesInstalled))}
	if s.State == "degraded" {
		found[0] = Finding{
			Level: Fault, Found: "degraded: a server makes no progress",
			Why: "subscribers that only it knows are not routed after a reboot", Fix: "see the server's findings below, and 'leaseroute show servers'",
		}
	}
	if e := s.OnDemand.Error; e != "" {
		found = append(found, Finding{
			Level: Fault, About: "on demand", Found: e,
			Why: "packets of unknown subscribers make nobody ask the servers", Fix: "mend what it names, and restart the daemon; or on_demand.enabled: false",
		})
	}
	for _, server := range s.Servers {
		if server.LookupError != "" {
			found = append(found, Finding{
				Level: Fault, About: server.Name, Found: server.LookupError,
				Why: "the server can't be asked over UDP", Fix: "mend what it names, or on_demand.local_port",
			})
		}
	}
	return append(found, lossesOf(s.Counters)...)
}

// lossesOf says what the daemon lost for want of room.
func lossesOf(counters map[string]uint64) []Finding {
	var found []Finding
	for _, of := range []struct{ name, what, fix string }{
		{"glean_kernel_dropped", "DHCP packets were lost before they were looked at", "raise glean.buffer"},
		{"table_full", "leases were dropped, since the table is full", "raise delegation.max_bindings"},
		{"on_demand_detector_reports_lost", "reports of unknown packets were lost", "lower on_demand.rate, or give the box more CPU"},
	} {
		if n := counters[of.name]; n > 0 {
			found = append(found, Finding{
				Level: Warn, Found: fmt.Sprintf("%s: %d (%s)", of.what, n, of.name),
				Why: "what was lost is learnt late, by asking", Fix: of.fix,
			})
		}
	}
	return found
}
