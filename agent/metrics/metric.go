package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"leaseroute/agent/control"
)

// namespace is what all names begin with.
const namespace = "leaseroute_"

// A Metric is one metric with all its series.
type Metric struct {
	Name   string
	Help   string // a sentence
	Labels []Label
	Gauge  bool // else a counter, which only grows

	read func(s *control.Status, put put)
	desc *prometheus.Desc
}

// A Label is a label and what it can say.
type Label struct {
	Name   string
	Values []string // nil: whatever the configuration or the build says
	From   string   // where the values come from, if there are none here
}

// put shows one series: its value, and that of each label.
type put func(value float64, labels ...string)

// server is the label of what is so for each server.
var server = Label{Name: "server", From: "`servers[].name`"}

// counter makes a counter.
func counter(name, help string, labels []Label, read func(*control.Status, put)) Metric {
	names := make([]string, len(labels))
	for i, l := range labels {
		names[i] = l.Name
	}
	name = namespace + name
	return Metric{Name: name, Help: help, Labels: labels, read: read, desc: prometheus.NewDesc(name, help, names, nil)}
}

// gauge makes a gauge.
func gauge(name, help string, labels []Label, read func(*control.Status, put)) Metric {
	m := counter(name, help, labels, read)
	m.Gauge = true
	return m
}

// single makes a gauge of one series.
func single(name, help string, value func(*control.Status) int) Metric {
	return gauge(name, help, nil, func(s *control.Status, put put) { put(float64(value(s))) })
}

// one makes a gauge for each of some states, of which one is 1 and the others
// are 0.
func one(name, help string, states []string, is func(*control.Status) string) Metric {
	return gauge(name, help, []Label{{Name: "state", Values: states}}, func(s *control.Status, put put) {
		for _, state := range states {
			put(truth(state == is(s)), state)
		}
	})
}

// oneEach is one for each server.
func oneEach(name, help string, states []string, is func(*control.Server) string) Metric {
	return gauge(name, help, []Label{server, {Name: "state", Values: states}}, func(s *control.Status, put put) {
		for i := range s.Servers {
			for _, state := range states {
				put(truth(state == is(&s.Servers[i])), s.Servers[i].Name, state)
			}
		}
	})
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// counts makes a gauge of numbers of now by a label, those that are zero
// included.
func counts(name, help, label string, values []string, of func(*control.Status) map[string]int) Metric {
	return gauge(name, help, []Label{{Name: label, Values: values}}, func(s *control.Status, put put) {
		for _, v := range values {
			put(float64(of(s)[v]), v)
		}
	})
}
