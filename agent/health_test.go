package agent

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/agent/metrics"
	"leaseroute/lqclient"
)

// asked returns the code and the body of an answer.
func asked(h http.HandlerFunc) (int, string) {
	w := httptest.NewRecorder()
	h(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code, w.Body.String()
}

// stateAgent is an agent of which only the owner's state matters.
func stateAgent(s State) *Agent {
	return &Agent{
		calls: make(chan func()), stopped: make(chan struct{}),
		owner: &owner{recovery: &recovery{state: s}},
	}
}

func TestHealth(t *testing.T) {
	for _, tt := range []struct {
		state State
		ready int
	}{
		{Starting, http.StatusServiceUnavailable},
		{Recovering, http.StatusServiceUnavailable},
		{Degraded, http.StatusServiceUnavailable},
		{Recovered, http.StatusOK},
	} {
		t.Run(string(tt.state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := stateAgent(tt.state)
				go func() {
					for f := range a.calls {
						f()
					}
				}()
				defer close(a.calls)
				if code, body := asked(a.serveHealth); code != http.StatusOK || body != "ok\n" {
					t.Errorf("health: %d %q", code, body)
				}
				if code, body := asked(a.serveReady); code != tt.ready || body != string(tt.state)+"\n" {
					t.Errorf("ready: %d %q, want %d and the state", code, body, tt.ready)
				}
			})
		})
	}
}

func TestHealthOfAnOwnerThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := stateAgent(Recovered)
		for _, h := range []http.HandlerFunc{a.serveHealth, a.serveReady} {
			began := time.Now()
			code, body := asked(h)
			if want := "the owner of the table does not answer: context deadline exceeded\n"; code != http.StatusServiceUnavailable || body != want {
				t.Errorf("%d %q, want 503 %q", code, body, want)
			}
			if waited := time.Since(began); waited != healthWithin {
				t.Errorf("it took %s", waited)
			}
		}
		close(a.stopped)
		if code, body := asked(a.serveHealth); code != http.StatusServiceUnavailable || body != "the owner of the table does not answer: the daemon is stopping\n" {
			t.Errorf("while stopping: %d %q", code, body)
		}
	})
}

// A state that the metric does not know would have no series.
func TestMetricsKnowAllStates(t *testing.T) {
	states := map[string][]string{
		"leaseroute_state":          {string(Starting), string(Recovering), string(Recovered), string(Degraded)},
		"leaseroute_announce_state": {string(hearingOff), string(hearingExact), string(hearingWaiting), string(hearingBusy), string(hearingTired), string(hearingBlind)},
		"leaseroute_server_state": {
			string(lqclient.Idle), string(lqclient.Connecting), string(lqclient.Querying), string(lqclient.Complete), string(lqclient.Failed),
		},
	}
	for m := range metrics.All() {
		for _, s := range states[m.Name] {
			if !slices.ContainsFunc(m.Labels, func(l metrics.Label) bool { return slices.Contains(l.Values, s) }) {
				t.Errorf("%s: state %s has no series", m.Name, s)
			}
		}
		delete(states, m.Name)
	}
	if len(states) > 0 {
		t.Errorf("no metrics for %v", states)
	}
}
