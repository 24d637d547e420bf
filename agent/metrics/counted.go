package metrics

import (
	"leaseroute/agent/control"
	"leaseroute/agent/numbers"
)

// counted are the metrics of all that is counted, made from what is known
// about each number.
func counted() []Metric {
	var out []Metric
	var last *numbers.Family
	for n := range numbers.All() {
		switch {
		case n.PerServer:
			out = append(out, countedEach(n))
		case n.Family == nil:
			out = append(out, countedAlone(n))
		case n.Family != last:
			last = n.Family
			out = append(out, countedFamily(last))
		}
	}
	return out
}

// countedAlone has one series, or none if the number is not counted now: what
// is off counts nothing.
func countedAlone(n numbers.Number) Metric {
	read := func(s *control.Status, put put) {
		if v, ok := s.Counters[n.Name]; ok {
			put(float64(v))
		}
	}
	if n.Gauge {
		return gauge(n.Name, numbers.Sentence(n.Meaning), nil, read)
	}
	return counter(n.Name+"_total", numbers.Sentence(n.Meaning), nil, read)
}

// countedEach has one series for each server.
func countedEach(n numbers.Number) Metric {
	return counter("server_"+n.Name+"_total", numbers.Sentence(n.Meaning), []Label{server}, func(s *control.Status, put put) {
		for i := range s.Servers {
			put(float64(s.Servers[i].Counters[n.Name]), s.Servers[i].Name)
		}
	})
}

// countedFamily has one series for each number of the family.
func countedFamily(f *numbers.Family) Metric {
	var parts []numbers.Number
	label := Label{Name: f.Label}
	for n := range numbers.All() {
		if n.Family == f {
			parts = append(parts, n)
			label.Values = append(label.Values, n.Value())
		}
	}
	return counter(f.Name+"_total", numbers.Sentence(f.Meaning), []Label{label}, func(s *control.Status, put put) {
		for _, n := range parts {
			put(float64(s.Counters[n.Name]), n.Value())
		}
	})
}
