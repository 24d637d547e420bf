// Package monitoring tests what watches leaseroute: the alert rules by
// promtool, with the unit tests of alerts_test.yaml, and by a real Prometheus
// that scrapes the daemon in a lab; and that no metric, label or state is named
// in alerts and dashboard that the daemon does not have.
package monitoring
