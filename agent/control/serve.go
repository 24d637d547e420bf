package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// The bounds of the socket: operators and their scripts are few.
const (
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	// slowestReader is how long an answer may wait for its reader to take some
	// of it: somebody may be paging through a long one.
	slowestReader = 10 * time.Minute
)

// MaxConnections is how many the socket's crowd is.
const MaxConnections = 256

// Serve answers on l with h until ctx ends; it closes l, and returns when h has.
func Serve(ctx context.Context, l net.Listener, h http.Handler, c *Crowd) error {
	var gate Gate
	defer gate.Shut()
	s := &http.Server{
		Handler:           gate.Wrap(bounded(h)),
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         c.Changed,
	}
	s.SetKeepAlivesEnabled(false) // a connection for each question: see Client
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		<-ctx.Done()
		return s.Close()
	})
	g.Go(func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("control socket: %w", err)
		}
		return nil
	})
	return g.Wait()
}

// bounded keeps requests to what is served here: no question has a body, and
// no answer waits for its reader for ever.
func bounded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.ContentLength != 0 {
			_ = control.SetReadDeadline(time.Now()) // nor is one waited for, to be thrown away
			Refuse(w, http.StatusRequestEntityTooLarge, "nothing here takes a body")
			return
		}
		h.ServeHTTP(patient{w, control}, r)
	})
}

// A patient writer gives the reader slowestReader anew with each write.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(slowestReader)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (p patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Reply writes v as JSON.
func Reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the peer has gone: nobody is left to tell
}

// Refuse answers with a problem.
func Refuse(w http.ResponseWriter, code int, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(Problem{Error: fmt.Sprintf(format, args...)})
}
