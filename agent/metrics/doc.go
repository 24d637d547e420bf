// Package metrics shows the daemon's status to Prometheus. It counts nothing
// itself: a Collector reads a control.Status whenever it is asked, so that
// metrics and status can't differ.
//
// The names are a promise to whoever has alerts and dashboards; All lists
// them, and docs/metrics.md is made from that. The values of labels come from
// the configuration or from the program, never from the network.
package metrics

//go:generate go test -run "^TestDocument$" -update .
