package agent

import (
	"context"
	"encoding/json"
	"net/http"

	"leaseroute/agent/control"
)

// serveWatch streams what happens, a JSON object a line, until the reader goes.
func (a *Agent) serveWatch(w http.ResponseWriter, r *http.Request) {
	if !a.watchers.TryAcquire(1) {
		control.Refuse(w, http.StatusServiceUnavailable, "%d watch already: that is all that may", maxWatchers)
		return
	}
	defer a.watchers.Release(1)
	v := &watcher{queue: make(chan news, watchQueue)}
	if err := a.call(r.Context(), func() { a.owner.watch(v) }); err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	// Not the request's context: the owner must be rid of the watcher.
	defer func() { _ = a.call(context.Background(), func() { a.owner.unwatch(v) }) }()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, flusher := json.NewEncoder(w), http.NewResponseController(w)
	for seq := uint64(1); ; seq++ {
		select {
		case n := <-v.queue:
			line := a.showNews(n)
			line.Seq = seq
			if out.Encode(line) != nil {
				return
			}
			if len(v.queue) == 0 && flusher.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-a.stopped:
			return
		}
	}
}
