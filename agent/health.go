package agent

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthWithin is how long the owner may take to answer when it is asked
// whether it lives: longer than the dump of a million routes, during which it
// takes no calls.
const healthWithin = 5 * time.Second

// serveHealth answers 200 as long as the owner answers.
func (a *Agent) serveHealth(w http.ResponseWriter, r *http.Request) {
	if _, err := a.stateNow(r.Context()); err != nil {
		sayHealth(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	sayHealth(w, http.StatusOK, "ok")
}

// serveReady answers 200 once the recovery is over, and until then 503 with
// the state that it is in.
func (a *Agent) serveReady(w http.ResponseWriter, r *http.Request) {
	state, err := a.stateNow(r.Context())
	switch {
	case err != nil:
		sayHealth(w, http.StatusServiceUnavailable, err.Error())
	case state != Recovered:
		sayHealth(w, http.StatusServiceUnavailable, string(state))
	default:
		sayHealth(w, http.StatusOK, string(state))
	}
}

// stateNow asks the owner how far the recovery is. Its error says that the owner
// does not answer.
func (a *Agent) stateNow(ctx context.Context) (State, error) {
	var state State
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	if err := a.call(ctx, func() { state = a.owner.recovery.state }); err != nil {
		return "", fmt.Errorf("the owner of the table does not answer: %w", err)
	}
	return state, nil
}

func sayHealth(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text) // the peer has gone: nobody is left to tell
}
