package agent

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"leaseroute/agent/metrics"
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

// The metric of the state knows all states that there are.
func TestMetricsKnowAllStates(t *testing.T) {
	for m := range metrics.All() {
		if m.Name != "leaseroute_state" {
			continue
		}
		for _, s := range []State{Starting, Recovering, Recovered, Degraded} {
			if !slices.Contains(m.Labels[0].Values, string(s)) {
				t.Errorf("state %s has no series", s)
			}
		}
	}
}
