//go:build linux

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A result is one line of the table.
type result struct {
	what      string
	product   string // leaseroute's figure, the median if there are several
	yardstick string // its name and figure; empty if there is none
	ratio     string // median of the paired ratios, and their spread
	aim       string
	met       string
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

func printTable(w io.Writer, results []result) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "\nMEASURED\tLEASEROUTE\tYARDSTICK\tRATIO (SPREAD)\tAIM\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.product, r.yardstick, r.ratio, r.aim, r.met)
	}
	t.Flush()
}
