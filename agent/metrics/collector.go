package metrics

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"leaseroute/agent/control"
)

// patience is how long the daemon may take to tell its status.
const patience = 5 * time.Second

// all are the metrics in the order of the document.
var all = slices.Concat(daemon, bindings, servers, counted())

// All yields every metric that a Collector has.
func All() iter.Seq[Metric] { return slices.Values(all) }

// A Collector shows a status as metrics. Any goroutine may collect.
type Collector struct {
	status func(context.Context) (control.Status, error)
}

var _ prometheus.Collector = (*Collector)(nil)

// New returns a collector that calls status once each time it is collected
// from.
func New(status func(context.Context) (control.Status, error)) *Collector {
	return &Collector{status: status}
}

// Registry returns a registry with the collector, and what the libraries tell
// about the process and Go.
func (c *Collector) Registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Describe says which metrics there are.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range all {
		out <- m.desc
	}
}

// Collect shows what is so now. If there is no telling, the scrape fails as a
// whole: half a status would look like one.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := c.status(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(all[0].desc, fmt.Errorf("no status: %w", err))
		return
	}
	for _, m := range all {
		kind := prometheus.CounterValue
		if m.Gauge {
			kind = prometheus.GaugeValue
		}
		m.read(&s, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(m.desc, kind, value, labels...)
		})
	}
}
