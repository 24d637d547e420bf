//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/agent/metrics"
	"leaseroute/agent/numbers"
	"leaseroute/test/lqserver"
)

const metricsAt = "127.0.0.1:9547"

// ask asks the daemon's HTTP server for a path.
func (s *site) ask(t *testing.T, method, at, path string) (code int, body string, err error) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: s.Router.DialContext, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(s.ctx, method, "http://"+at+path, nil)
	must(t, err)
	resp, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// answers fails the test unless a path is answered as it should be.
func (s *site) answers(t *testing.T, path string, code int, body string) {
	t.Helper()
	if got, said, err := s.ask(t, http.MethodGet, metricsAt, path); got != code || said != body || err != nil {
		t.Errorf("%s: %d %q, %v; want %d %q", path, got, said, err, code, body)
	}
}

// scrape returns the metrics, each series by its name and labels as Prometheus
// reads them: leaseroute_bindings{state="installed"}.
func (s *site) scrape(t *testing.T) map[string]float64 {
	t.Helper()
	code, body, err := s.ask(t, http.MethodGet, metricsAt, "/metrics")
	if err != nil || code != http.StatusOK {
		t.Fatalf("scrape: %d, %v: %s", code, err, body)
	}
	out := make(map[string]float64)
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64)
		must(t, err)
		out[line[:at]] = v
	}
	return out
}

// series is how a number of status is called as a metric.
func series(n numbers.Number, server string) string {
	name, labels, kind := n.Name, "", "_total"
	switch {
	case n.Gauge:
		kind = ""
	case n.PerServer:
		name, labels = "server_"+name, fmt.Sprintf("{server=%q}", server)
	case n.Family != nil:
		name, labels = n.Family.Name, fmt.Sprintf("{%s=%q}", n.Family.Label, n.Value())
	}
	return "leaseroute_" + name + kind + labels
}

// TestMetrics holds the metrics against status, and asks for health, in the
// middle of a recovery and after it (rule 12 of DESIGN.md 3).
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), serverLine("dhcp2", otherPort), fmt.Sprintf("metrics: { listen: %q }", metricsAt)))
	mine, outside := s.lease(1, "2001:db8:8000:100::/56", 0), s.lease(2, "3fff:0:200::/56", 1)
	s.serve(t, 547, s.list(mine, outside), lqserver.Options{})
	hold := lqserver.NewHold(0)
	s.serve(t, otherPort, s.list(s.lease(3, "2001:db8:8000:300::/56", 1)), lqserver.Options{DUID: otherDUID, Faults: lqserver.Faults{Hold: hold}})
	s.Start(t)
	s.status(t, func(st control.Status) error {
		if st.Servers[0].State != "complete" || st.RoutesInstalled != 1 || st.Metrics != (control.Metrics{Listen: metricsAt}) {
			return fmt.Errorf("%d routes, metrics %+v", st.RoutesInstalled, st.Metrics)
		}
		return nil
	})
	<-hold.Reached()

	s.answers(t, "/healthz", http.StatusOK, "ok\n")
	s.answers(t, "/readyz", http.StatusServiceUnavailable, "recovering\n")
	s.answers(t, "/", http.StatusNotFound, "404 page not found\n")
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if code, body, err := s.ask(t, http.MethodPost, metricsAt, path); code != http.StatusMethodNotAllowed || err != nil {
			t.Errorf("POST %s: %d %q, %v", path, code, body, err)
		}
	}
	s.shows(t, map[string]float64{
		`leaseroute_state{state="recovering"}`: 1, `leaseroute_state{state="recovered"}`: 0,
		`leaseroute_server_state{server="dhcp1",state="complete"}`: 1, `leaseroute_server_state{server="dhcp2",state="querying"}`: 1,
		`leaseroute_bindings{state="installed"}`: 1, `leaseroute_bindings{state="refused"}`: 1,
		`leaseroute_bindings_unrouted{reason="outside delegation.allowed"}`: 1, `leaseroute_routes`: 1,
	}, "leaseroute_recovered_after_seconds", `leaseroute_server_last_complete_timestamp_seconds{server="dhcp2"}`)

	hold.Release()
	before := s.settled(t)
	s.answers(t, "/readyz", http.StatusOK, "recovered\n")
	have := s.shows(t, map[string]float64{
		`leaseroute_state{state="recovering"}`: 0, `leaseroute_state{state="recovered"}`: 1,
		`leaseroute_recovered_after_seconds`: *before.RecoveredAfterSeconds, `leaseroute_routes`: 2,
		`leaseroute_server_full_rounds_total{server="dhcp2"}`: 1, `leaseroute_glean_state{state="watching"}`: 1,
		`leaseroute_on_demand_state{state="armed"}`: 1, `leaseroute_bindings_by_source{source="bulk"}`: 3,
	})
	after := s.Status(t)
	matches(t, before, have, after)
	s.nothingElse(t, have)
	s.Stop(t)
}

// shows scrapes, and fails the test unless there are these series, and none of
// the absent ones.
func (s *site) shows(t *testing.T, want map[string]float64, absent ...string) map[string]float64 {
	t.Helper()
	have := s.scrape(t)
	for name, v := range want {
		if got, ok := have[name]; !ok || got != v {
			t.Errorf("%s = %g (there: %t), want %g", name, got, ok, v)
		}
	}
	for _, name := range absent {
		if got, ok := have[name]; ok {
			t.Errorf("%s = %g, want none", name, got)
		}
	}
	return have
}

// matches holds every counter of a scrape against the statuses before and
// after it.
func matches(t *testing.T, before control.Status, have map[string]float64, after control.Status) {
	t.Helper()
	compare := func(name string, n numbers.Number, server string, from, to uint64) {
		got, ok := have[series(n, server)]
		if !ok || !n.Gauge && (got < float64(from) || got > float64(to)) {
			t.Errorf("%s = %g (there: %t); status says %s is %d, then %d", series(n, server), got, ok, name, from, to)
		}
	}
	for name, to := range after.Counters {
		n, ok := numbers.Of(name)
		if !ok {
			t.Errorf("status has %s, of which nobody knows what it means", name)
		}
		if !n.PerServer {
			compare(name, n, "", before.Counters[name], to)
		}
	}
	for i, server := range after.Servers {
		for name, to := range server.Counters {
			n, _ := numbers.Of(name) // the sum was looked up above
			compare(name, n, server.Name, before.Servers[i].Counters[name], to)
		}
	}
}

// nothingElse fails the test on metrics of ours that are not described, on
// described ones that are missing, and on a label that the network may have
// taught us.
func (s *site) nothingElse(t *testing.T, have map[string]float64) {
	t.Helper()
	described := map[string]bool{}
	values := map[string]bool{"dhcp1": true, "dhcp2": true, s.Status(t).Version: true}
	for m := range metrics.All() {
		described[m.Name] = false
		for _, l := range m.Labels {
			for _, v := range l.Values {
				values[v] = true
			}
		}
	}
	label := regexp.MustCompile(`="([^"]*)"`)
	for name := range have {
		metric, labels, _ := strings.Cut(name, "{")
		if !strings.HasPrefix(metric, "leaseroute_") {
			continue // the libraries'
		}
		if _, ok := described[metric]; !ok {
			t.Errorf("%s is not described", metric)
		}
		described[metric] = true
		for _, v := range label.FindAllStringSubmatch(labels, -1) {
			if !values[v[1]] {
				t.Errorf("%s: who says %q?", name, v[1])
			}
		}
	}
	for name, there := range described {
		if !there && name != "leaseroute_server_next_try_timestamp_seconds" { // no server failed
			t.Errorf("%s is not there", name)
		}
	}
}

// TestMetricsAddressComesLate has the address of the metrics appear when
// everything else runs.
func TestMetricsAddressComesLate(t *testing.T) {
	t.Parallel()
	const late = "[2001:db8:99::1]:9547"
	s := newSite(t, config(dhcp1(), fmt.Sprintf("metrics: { listen: %q }", late)))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	s.serve(t, 547, s.list(lease), lqserver.Options{})
	s.Start(t)
	if st := s.settled(t); st.Metrics.Listen != late || !strings.Contains(st.Metrics.Error, "cannot assign requested address") {
		t.Errorf("status says of metrics %+v", st.Metrics)
	}
	s.exact(t, s.fibOf(lease))
	if stdout, _, _ := s.Run(t, "status"); !strings.Contains(stdout, "metrics   not served at "+late+": serve metrics: ") {
		t.Errorf("status does not tell of it:\n%s", stdout)
	}
	must(t, s.Router.IP(t.Context(), "address add 2001:db8:99::1/64 dev core0 nodad"))
	s.status(t, func(st control.Status) error {
		if st.Metrics.Error != "" {
			return fmt.Errorf("metrics: %s", st.Metrics.Error)
		}
		return nil
	})
	if code, body, err := s.ask(t, http.MethodGet, late, "/readyz"); code != http.StatusOK || body != "recovered\n" || err != nil {
		t.Errorf("/readyz: %d %q, %v", code, body, err)
	}
	s.Stop(t)
}

// TestMetricsFollowReloads switches metrics on and off, and scrapes while
// something else changes.
func TestMetricsFollowReloads(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	lease := s.lease(1, "2001:db8:8000:100::/56", 0)
	s.serve(t, 547, s.list(lease), lqserver.Options{})
	s.Start(t)
	s.settled(t)
	on := fmt.Sprintf("metrics: { listen: %q }", metricsAt)
	if _, _, err := s.ask(t, http.MethodGet, metricsAt, "/metrics"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("without metrics.listen: %v, want nobody there", err)
	}
	s.Configure(t, config(dhcp1(), on))
	s.reload(t, "changed: metrics")
	s.scraped(t, 1)
	s.Configure(t, config(dhcp1(), on, "on_demand: { rate: 7 }"))
	s.reload(t, "changed: on_demand")
	s.scraped(t, 2)
	s.Configure(t, config(dhcp1()))
	s.reload(t, "changed: on_demand, metrics")
	s.status(t, func(st control.Status) error {
		if st.Metrics.Listen != "" {
			return fmt.Errorf("metrics are at %s", st.Metrics.Listen)
		}
		return nil
	})
	if _, _, err := s.ask(t, http.MethodGet, metricsAt, "/metrics"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("switched off: %v, want nobody there", err)
	}
	s.exact(t, s.fibOf(lease))
	s.Stop(t)
}

// scraped waits until metrics tell of so many reloads.
func (s *site) scraped(t *testing.T, reloads int) {
	t.Helper()
	s.until(t, func() error {
		_, body, err := s.ask(t, http.MethodGet, metricsAt, "/metrics")
		if want := fmt.Sprintf("\nleaseroute_reloads_total %d\n", reloads); err == nil && !strings.Contains(body, want) {
			return fmt.Errorf("the metrics do not say %q", want)
		}
		return err
	})
}
