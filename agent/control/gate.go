package control

import (
	"net/http"
	"sync"
)

// A Gate knows which requests are being answered, so that a server can be ended
// with all of them: http.Server.Close leaves their handlers running. The zero
// Gate is open.
type Gate struct {
	mu     sync.Mutex
	shut   bool
	inside sync.WaitGroup
}

// Wrap answers with h as long as the gate is open.
func (g *Gate) Wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			Refuse(w, http.StatusServiceUnavailable, "the daemon is stopping")
			return
		}
		defer g.inside.Done()
		h.ServeHTTP(w, r)
	})
}

func (g *Gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.inside.Add(1)
	}
	return !g.shut
}

// Shut lets no more requests in, and returns when those inside are answered.
func (g *Gate) Shut() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
	g.inside.Wait()
}
