// Package numbers says what each number means that the daemon counts, once for
// all who show it: the status, the metrics, and docs/metrics.md. It counts
// nothing itself, and its values are never changed.
package numbers
