package agent

import (
	"net/http"

	"leaseroute/agent/control"
	"leaseroute/agent/metrics"
)

// newMetrics makes the server of metrics and health; nil if there is to be
// none.
func (a *Agent) newMetrics() *metrics.Server {
	at := a.cfg.Metrics.Listen
	if !at.IsValid() {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(metrics.New(a.status).Registry()))
	mux.HandleFunc("GET /healthz", a.serveHealth)
	mux.HandleFunc("GET /readyz", a.serveReady)
	return metrics.NewServer(at, mux, a.log)
}

// showMetrics says whether metrics are served.
func (a *Agent) showMetrics() control.Metrics {
	if a.metrics == nil {
		return control.Metrics{}
	}
	out := control.Metrics{Listen: a.cfg.Metrics.Listen.String()}
	if err := a.metrics.Err(); err != nil {
		out.Error = err.Error()
	}
	return out
}
