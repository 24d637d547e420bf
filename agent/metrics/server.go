package metrics

import (
	"time"

	"leaseroute/agent/control"
)

// servers is how each server fares.
var servers = []Metric{
	oneEach("server_state", "What is being done about the server: 1 for the state that it is in.",
		[]string{"idle", "connecting", "querying", "complete", "failed"},
		func(s *control.Server) string { return s.State }),
	oneEach("server_lookup_state", "How the server is asked about single addresses over UDP: 1 for what is so.",
		[]string{"off", "ready", "silent", "closed"},
		func(s *control.Server) string { return s.Lookup }),
	each("server_last_complete_timestamp_seconds", "When the server had answered for all in full, in seconds since 1970; absent until it has.",
		func(s *control.Server, put func(float64)) { instant(s.LastComplete, put) }),
	each("server_next_try_timestamp_seconds", "When a server that failed is asked again, in seconds since 1970; absent if it did not fail.",
		func(s *control.Server, put func(float64)) { instant(s.NextTry, put) }),
	each("server_bindings_received", "Leases that the server reported since its last round about all began.",
		func(s *control.Server, put func(float64)) { put(float64(s.BindingsReceived)) }),
	total(each("server_full_rounds_total", "Rounds about all that the server answered in full.",
		func(s *control.Server, put func(float64)) { put(float64(s.Rounds)) })),
	total(each("server_requests_served_total", "Requests for a round, such as by 'leaseroute resync', that are met.",
		func(s *control.Server, put func(float64)) { put(float64(s.RequestsServed)) })),
}

// each makes a gauge that has one series for each server, at most.
func each(name, help string, read func(s *control.Server, put func(float64))) Metric {
	return gauge(name, help, []Label{server}, func(s *control.Status, put put) {
		for i := range s.Servers {
			read(&s.Servers[i], func(value float64) { put(value, s.Servers[i].Name) })
		}
	})
}

// total makes a gauge a counter.
func total(m Metric) Metric {
	m.Gauge = false
	return m
}

// instant shows an instant, if it is one.
func instant(t *time.Time, put func(float64)) {
	if t != nil {
		put(seconds(*t))
	}
}

// seconds is t in seconds since 1970.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
