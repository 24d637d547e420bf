//go:build linux

package monitoring

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
	"leaseroute/test/lab/labtest"
	"leaseroute/test/lqserver"
)

const (
	relayID      = "00030001020000000001"
	prometheusAt = "127.0.0.1:9090"
	patience     = 2 * time.Minute // for what takes seconds
	glance       = 100 * time.Millisecond
)

// A watch is a Prometheus at the core that scrapes the daemon on the router
// every second, with our alert rules.
type watch struct {
	edge    *lab.Edge
	process *lab.Process
	ctx     context.Context // ends when the test has waited too long
}

func newWatch(t *testing.T, e *lab.Edge) watch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	tree, err := lab.FetchPrometheus(ctx, t.Output())
	must(t, err)
	rules, err := filepath.Abs(alertsFile)
	must(t, err)
	config := e.Path("prometheus.yaml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [%q]
scrape_configs:
  - job_name: leaseroute
    static_configs: [{ targets: ["[%s]:9547"] }]
`, rules, lab.RouterAddress), 0o600))
	command, err := tree.Server("--config.file="+config, "--storage.tsdb.path="+e.Path("prometheus"), "--web.listen-address="+prometheusAt)
	must(t, err)
	// Not t.Context: it lives as long as its lab.
	p, err := e.Start(e.Server.Command(context.Background(), command[0], command[1:]...))
	must(t, err)
	return watch{e, p, ctx}
}

// ask asks Prometheus for a path of its API.
func (w watch) ask(path string, query url.Values, v any) error {
	c := http.Client{Transport: &http.Transport{DialContext: w.edge.Server.DialContext, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, "http://"+prometheusAt+"/api/v1/"+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// values returns the values of an expression, one for each series.
func (w watch) values(expr string) ([]float64, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"` // the time, and the value as text
			} `json:"result"`
		} `json:"data"`
	}
	if err := w.ask("query", url.Values{"query": {expr}}, &answer); err != nil {
		return nil, err
	}
	out := make([]float64, len(answer.Data.Result))
	for i, r := range answer.Data.Result {
		v, err := strconv.ParseFloat(r.Value[1].(string), 64)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// query returns the one value of an expression.
func (w watch) query(expr string) (float64, error) {
	all, err := w.values(expr)
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("%s has %d values", expr, len(all))
	}
	if err != nil {
		return 0, err
	}
	return all[0], nil
}

// wait waits until expr has a value.
func (w watch) wait(t *testing.T, expr string, want float64) {
	t.Helper()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		got, err := w.query(expr)
		if err == nil && got == want {
			return
		}
		select {
		case <-tick.C:
		case <-w.process.Ended():
			t.Fatalf("Prometheus has ended:\n%s", w.process.Output())
		case <-w.ctx.Done():
			t.Fatalf("%s = %g, %v; want %g", expr, got, err, want)
		}
	}
}

// healthy fails the test unless every rule was evaluated without an error.
func (w watch) healthy(t *testing.T) {
	t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	must(t, w.ask("rules", nil, &answer))
	rules := 0
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			rules++
			if r.Health != "ok" {
				t.Errorf("rule %s: %s %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if rules == 0 {
		t.Error("Prometheus has no rules")
	}
}

// filled fails the test unless every query of the dashboard shows something,
// those apart that show only what is not 0.
func (w watch) filled(t *testing.T) {
	t.Helper()
	for _, q := range dashboard(t).queries() {
		all, err := w.values(q)
		if err != nil || len(all) == 0 && !strings.HasSuffix(q, " > 0") {
			t.Errorf("the dashboard asks for %s: %d values, %v", q, len(all), err)
		}
	}
}

// TestPrometheus has Prometheus watch a recovery that is held up.
func TestPrometheus(t *testing.T) {
	e := labtest.NewEdge(t, 1)
	const clients = 20
	hold := lqserver.NewHold(5)
	serve(t, e, clients, hold)
	d := daemon.New(t, e, daemon.Config(relayID, fmt.Sprintf("metrics: { listen: %q }", netip.AddrPortFrom(lab.RouterAddress, 9547))))
	d.Start(t)
	w := newWatch(t, e)

	w.wait(t, `up{job="leaseroute"}`, 1)
	w.wait(t, `leaseroute_routes`, 5)
	w.wait(t, `leaseroute_state{state="recovering"}`, 1)
	w.wait(t, `ALERTS{alertname="LeaserouteNotRecovered",alertstate="pending"}`, 1)
	hold.Release()
	w.wait(t, `leaseroute_routes`, clients)
	w.wait(t, `leaseroute_state{state="recovered"}`, 1)
	w.wait(t, `absent(ALERTS)`, 1)
	w.healthy(t)
	w.filled(t)
	d.Stop(t)
	w.wait(t, `ALERTS{alertname="LeaserouteDown",alertstate="pending"}`, 1)
}

// serve runs a server with leases until the test is over.
func serve(t *testing.T, e *lab.Edge, clients int, hold *lqserver.Hold) {
	t.Helper()
	g, err := lqserver.Generate(lqserver.Plan{
		Clients: clients, Block: lab.Delegated, Now: time.Now().Add(-time.Minute),
		Links: []lqserver.Link{{Address: netip.PrefixFrom(e.Access[0].Address, 64), RelayID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}}},
	})
	must(t, err)
	l, err := e.Server.Listen("tcp", "[::]:547")
	must(t, err)
	server, err := lqserver.New(lqserver.Options{
		Listener: l, DUID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xff}, Faults: lqserver.Faults{Hold: hold},
	}, g)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("run the server:", err)
		}
	})
}
