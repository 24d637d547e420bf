package metrics

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"leaseroute/agent/control"
	"leaseroute/agent/numbers"
)

// full is a status in which every number is another one.
func full() control.Status {
	n := 0
	next := func() int { n++; return n }
	after := 1.5
	at := time.Date(2026, 11, 21, 15, 4, 5, 0, time.UTC)
	s := control.Status{
		Version: "1.2.3", Started: at, State: "recovered", RecoveredAfterSeconds: &after,
		Bindings: next(), RoutesInstalled: next(), ChangesPending: next(),
		InDoubt: next(), Obstructed: next(), Clients: next(), Tombstones: next(),
		ByState: make(map[string]int), BySource: make(map[string]int), Refused: make(map[string]int),
		Gleaning: "watching", OnDemand: control.OnDemand{State: "armed", Mode: "guard"},
		Counters: make(map[string]uint64),
	}
	for m, of := range map[string]map[string]int{"bindings": s.ByState, "bindings_by_source": s.BySource, "bindings_unrouted": s.Refused} {
		for _, v := range metric(m).Labels[0].Values {
			of[v] = next()
		}
	}
	for _, name := range []string{"kea1", "kea2"} {
		s.Servers = append(s.Servers, control.Server{
			Name: name, State: "querying", Lookup: "ready", LastComplete: &at, NextTry: &at,
			Rounds: uint64(next()), RequestsServed: uint64(next()), BindingsReceived: uint64(next()),
			Counters: make(map[string]uint64),
		})
	}
	for number := range numbers.All() {
		if !number.PerServer {
			s.Counters[number.Name] = uint64(next())
			continue
		}
		for _, server := range s.Servers {
			server.Counters[number.Name] = uint64(next())
			s.Counters[number.Name] += server.Counters[number.Name]
		}
	}
	return s
}

func metric(name string) Metric {
	for m := range All() {
		if m.Name == namespace+name {
			return m
		}
	}
	panic("no metric " + name)
}

// gather returns the metrics of a status by name.
func gather(t *testing.T, s control.Status) map[string]*dto.MetricFamily {
	t.Helper()
	r := prometheus.NewPedanticRegistry() // what is collected must have been described
	r.MustRegister(New(func(context.Context) (control.Status, error) { return s, nil }))
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]*dto.MetricFamily, len(all))
	for _, f := range all {
		out[f.GetName()] = f
	}
	return out
}

// value is the value of the one series with these labels, given as
// name, value, ...
func value(t *testing.T, f *dto.MetricFamily, labels ...string) float64 {
	t.Helper()
	var found []float64
	for _, m := range f.GetMetric() {
		have := make(map[string]string)
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		matches := len(have) == len(labels)/2
		for i := 0; i < len(labels); i += 2 {
			matches = matches && have[labels[i]] == labels[i+1]
		}
		if matches {
			found = append(found, m.GetCounter().GetValue()+m.GetGauge().GetValue()) // one of them is nil
		}
	}
	if len(found) != 1 {
		t.Errorf("%s%q: %d series, want 1", f.GetName(), labels, len(found))
		return -1
	}
	return found[0]
}

// Rule 12 of DESIGN.md 3: whatever is counted has a metric, with the number
// that status has.
func TestEveryNumberHasAMetric(t *testing.T) {
	s := full()
	have := gather(t, s)
	for n := range numbers.All() {
		name, labels := namespace+n.Name, []string(nil)
		if n.Family != nil {
			name, labels = namespace+n.Family.Name, []string{n.Family.Label, n.Value()}
		}
		if !n.Gauge {
			name += "_total"
		}
		if !n.PerServer {
			if got := value(t, have[name], labels...); got != float64(s.Counters[n.Name]) {
				t.Errorf("%s%q = %g, want %d", name, labels, got, s.Counters[n.Name])
			}
			continue
		}
		name = strings.Replace(name, namespace, namespace+"server_", 1)
		var sum float64
		for _, server := range s.Servers {
			sum += value(t, have[name], "server", server.Name)
		}
		if sum != float64(s.Counters[n.Name]) {
			t.Errorf("%s: the servers' sum is %g, want %d", name, sum, s.Counters[n.Name])
		}
	}
}

// So is what status has beside its counters. Whoever adds a number there has to
// show it here.
func TestEveryFieldOfStatusHasAMetric(t *testing.T) {
	elsewhere := map[string]bool{
		"Bindings":   true, // the sum of leaseroute_bindings
		"Goroutines": true, // go_goroutines
	}
	base := control.Status{Servers: []control.Server{{Name: "kea1"}}}
	for name, set := range map[string]func(*control.Status) reflect.Value{
		"Status": func(s *control.Status) reflect.Value { return reflect.ValueOf(s).Elem() },
		"Server": func(s *control.Status) reflect.Value { return reflect.ValueOf(&s.Servers[0]).Elem() },
	} {
		for i := range set(&base).NumField() {
			s := base
			s.Servers = slices.Clone(base.Servers)
			f, field := set(&s).Field(i), set(&s).Type().Field(i).Name
			switch {
			case f.CanInt():
				f.SetInt(7)
			case f.CanUint():
				f.SetUint(7)
			case f.CanFloat():
				f.SetFloat(7)
			case f.Kind() == reflect.Pointer:
				f.Set(reflect.New(f.Type().Elem()))
			default:
				continue // text, or what has a test of its own
			}
			if !elsewhere[field] && reflect.DeepEqual(text(t, s), text(t, base)) {
				t.Errorf("%s.%s has no metric", name, field)
			}
		}
	}
}

// text is what a scrape of a status says.
func text(t *testing.T, s control.Status) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for name, f := range gather(t, s) {
		out[name] = f.String()
	}
	return out
}

func TestGauges(t *testing.T) {
	s := full()
	have := gather(t, s)
	for _, tt := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"build_info", []string{"version", "1.2.3"}, 1},
		{"start_time_seconds", nil, float64(s.Started.Unix())},
		{"state", []string{"state", "recovered"}, 1},
		{"state", []string{"state", "degraded"}, 0},
		{"recovered_after_seconds", nil, 1.5},
		{"routes", nil, float64(s.RoutesInstalled)},
		{"changes_pending", nil, float64(s.ChangesPending)},
		{"bindings", []string{"state", "suspect"}, float64(s.ByState["suspect"])},
		{"bindings_by_source", []string{"source", "glean"}, float64(s.BySource["glean"])},
		{"bindings_unrouted", []string{"reason", "outside delegation.allowed"}, float64(s.Refused["outside delegation.allowed"])},
		{"bindings_in_doubt", nil, float64(s.InDoubt)},
		{"bindings_obstructed", nil, float64(s.Obstructed)},
		{"clients", nil, float64(s.Clients)},
		{"tombstones", nil, float64(s.Tombstones)},
		{"glean_state", []string{"state", "watching"}, 1},
		{"on_demand_state", []string{"state", "failed"}, 0},
		{"on_demand_guard", nil, 1},
		{"server_state", []string{"server", "kea2", "state", "querying"}, 1},
		{"server_state", []string{"server", "kea2", "state", "failed"}, 0},
		{"server_lookup_state", []string{"server", "kea1", "state", "ready"}, 1},
		{"server_last_complete_timestamp_seconds", []string{"server", "kea1"}, float64(s.Started.Unix())},
		{"server_next_try_timestamp_seconds", []string{"server", "kea1"}, float64(s.Started.Unix())},
		{"server_bindings_received", []string{"server", "kea2"}, float64(s.Servers[1].BindingsReceived)},
		{"server_full_rounds_total", []string{"server", "kea2"}, float64(s.Servers[1].Rounds)},
		{"server_requests_served_total", []string{"server", "kea2"}, float64(s.Servers[1].RequestsServed)},
	} {
		if got := value(t, have[namespace+tt.name], tt.labels...); got != tt.want {
			t.Errorf("%s%q = %g, want %g", tt.name, tt.labels, got, tt.want)
		}
	}
}

// What is not known yet, or is off, has no series; a number of which there are
// none is 0.
func TestNothingYet(t *testing.T) {
	have := gather(t, control.Status{State: "starting", Servers: []control.Server{{Name: "kea1", State: "idle"}}})
	for _, name := range []string{
		"recovered_after_seconds", "server_last_complete_timestamp_seconds", "server_next_try_timestamp_seconds",
		"glean_received_total", "glean_interfaces",
	} {
		if f := have[namespace+name]; f != nil {
			t.Errorf("there is %v", f)
		}
	}
	if got := value(t, have["leaseroute_bindings"], "state", "installed"); got != 0 {
		t.Errorf("%g bindings", got)
	}
	if got := value(t, have["leaseroute_server_refusals_total"], "server", "kea1"); got != 0 {
		t.Errorf("%g refusals", got)
	}
}

// STYLE.md 7: names and units as Prometheus wants them; labels are the
// configuration's, or words of ours.
func TestMetricsAreWellFormed(t *testing.T) {
	s := full()
	problems, err := testutil.CollectAndLint(New(func(context.Context) (control.Status, error) { return s, nil }))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if p.Metric == "leaseroute_server_host_bits_total" {
			continue // takes host bits for a unit
		}
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	ours := map[string]bool{"kea1": true, "kea2": true, "1.2.3": true}
	for m := range All() {
		for _, l := range m.Labels {
			if (l.Values == nil) == (l.From == "") {
				t.Errorf("%s: label %s: it must be told what it can say", m.Name, l.Name)
			}
			for _, v := range l.Values {
				ours[v] = true
			}
		}
	}
	for name, f := range gather(t, s) {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if !ours[l.GetValue()] {
					t.Errorf("%s: label %s says %q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
}

func TestAScrapeAsksOnce(t *testing.T) {
	asked := 0
	r := New(func(context.Context) (control.Status, error) { asked++; return full(), nil }).Registry()
	if _, err := r.Gather(); err != nil || asked != 1 {
		t.Errorf("asked %d times for the status (%v), want once", asked, err)
	}
}

func TestWithoutAStatusTheScrapeFails(t *testing.T) {
	gone := errors.New("the daemon is stopping")
	for _, tt := range []struct {
		name   string
		status func(context.Context) (control.Status, error)
		want   error
	}{
		{"there is none", func(context.Context) (control.Status, error) { return control.Status{}, gone }, gone},
		{"it never comes", func(ctx context.Context) (control.Status, error) {
			<-ctx.Done()
			return control.Status{}, ctx.Err()
		}, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := New(tt.status).Registry().Gather()
				if err == nil || !strings.Contains(err.Error(), tt.want.Error()) {
					t.Errorf("gather: %v, want %v", err, tt.want)
				}
			})
		})
	}
}
