package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"leaseroute/agent/control"
)

// The bounds of the server: whoever can reach the address may ask.
const (
	maxConnections = 32 // the oldest that asks nothing makes room
	maxScrapes     = 4  // at a time; others are told to come again
	maxHeader      = 8 << 10
	maxBody        = 1 << 10
	readTimeout    = 5 * time.Second
	writeTimeout   = 30 * time.Second
	pause          = time.Second // between attempts to listen
)

// Handler answers scrapes with what the registry has. How many there were is
// told by metrics of promhttp.
func Handler(r *prometheus.Registry) http.Handler {
	return promhttp.InstrumentMetricHandler(r, promhttp.HandlerFor(r, promhttp.HandlerOpts{
		Registry:            r,
		ErrorHandling:       promhttp.HTTPErrorOnError,
		MaxRequestsInFlight: maxScrapes,
	}))
}

// A Server serves over HTTP at one address. That it can't ends nothing: Err
// says why, and it goes on trying.
type Server struct {
	at      netip.AddrPort
	handler http.Handler
	crowd   *control.Crowd
	log     *logrus.Entry
	down    atomic.Pointer[error] // why it does not serve; nil: it does
}

// NewServer returns a server that opens nothing before Run.
func NewServer(at netip.AddrPort, h http.Handler, log *logrus.Entry) *Server {
	s := &Server{
		at: at, handler: http.MaxBytesHandler(h, maxBody), crowd: control.NewCrowd(maxConnections),
		log: log.WithField("listen", at),
	}
	s.fail(errors.New("not opened yet"))
	return s
}

// Err says why nothing is served; nil if all is well.
func (s *Server) Err() error {
	if err := s.down.Load(); err != nil {
		return *err
	}
	return nil
}

// Dropped returns how many connections had to make room for others; 0 for a
// nil server.
func (s *Server) Dropped() uint64 {
	if s == nil {
		return 0
	}
	return s.crowd.Dropped()
}

func (s *Server) fail(err error) { s.down.Store(&err) }

// Run serves until ctx ends, and returns nil when all requests are answered. What keeps it from
// listening, such as an address that is not there yet, is tried again for
// ever, and logged when it changes.
func (s *Server) Run(ctx context.Context) error {
	told := ""
	for ctx.Err() == nil {
		err := s.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		s.fail(err)
		if err.Error() != told {
			told = err.Error()
			s.log.WithError(err).Warn("no metrics for now; trying again")
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// serve listens and answers until that fails or ctx ends.
func (s *Server) serve(ctx context.Context) error {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", s.at.String())
	if err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	s.down.Store(nil)
	s.log.Info("metrics are served")
	var gate control.Gate
	defer gate.Shut()
	h := &http.Server{
		Handler:        gate.Wrap(s.handler),
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		MaxHeaderBytes: maxHeader,
		BaseContext:    func(net.Listener) context.Context { return ctx },
		ConnState:      s.crowd.Changed,
		ErrorLog:       stdlog.New(io.Discard, "", 0), // of what peers do wrong: they would fill our log
	}
	h.SetKeepAlivesEnabled(false) // one that is kept would be one of few
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		<-ctx.Done()
		return h.Close()
	})
	g.Go(func() error {
		return fmt.Errorf("serve metrics: %w", h.Serve(l))
	})
	return g.Wait()
}
