package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"leaseroute/agent/numbers"
)

// worthy returns the names of the counters to show, sorted: --json has all, the
// status on a terminal leaves out what happens every day.
func worthy(counters map[string]uint64) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(counters)), func(name string) bool {
		n, _ := numbers.Of(name) // one that is not known is shown
		return counters[name] == 0 || n.Ordinary
	})
}

// printCounters shows what deserves an operator's attention, if anything does.
func printCounters(w io.Writer, title string, counters map[string]uint64) error {
	var rows [][]string
	for _, name := range worthy(counters) {
		n, _ := numbers.Of(name)
		rows = append(rows, []string{fmt.Sprint(counters[name]), name, dash(n.Meaning)})
	}
	if rows == nil {
		return nil
	}
	fmt.Fprintln(w)
	return printTable(w, []string{"count", title, "which are"}, rows)
}
