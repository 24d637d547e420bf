package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// settleAfter is how many rows decide how wide a table's columns are. Rows
// after these are printed as they come, so that a million need little memory
// and the columns don't jump.
const settleAfter = 256

// A table prints rows under a header, in aligned columns.
type table struct {
	w      io.Writer
	header []string
	first  [][]string // the rows until the widths are settled
	widths []int      // nil until then
}

func newTable(w io.Writer, header ...string) *table { return &table{w: w, header: header} }

// row adds a row of as many cells as the header has.
func (t *table) row(cells ...string) error {
	if t.widths != nil {
		return t.print(cells, paint)
	}
	t.first = append(t.first, cells)
	if len(t.first) < settleAfter {
		return nil
	}
	return t.flush()
}

// flush prints what waits for the widths to be settled; the header, too.
func (t *table) flush() error {
	if t.widths != nil {
		return nil
	}
	t.widths = make([]int, len(t.header))
	title := make([]string, len(t.header))
	for i, name := range t.header {
		title[i] = strings.ToUpper(name)
	}
	for _, r := range append(t.first, title) {
		for i, cell := range r {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		}
	}
	if err := t.print(title, func(_, cell string) string { return heading.Sprint(cell) }); err != nil {
		return err
	}
	for _, r := range t.first {
		if err := t.print(r, paint); err != nil {
			return err
		}
	}
	t.first = nil
	return nil
}

// print writes one row; dress colours a cell of a column.
func (t *table) print(cells []string, dress func(column, cell string) string) error {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(dress(t.header[i], cell))
		if i < len(cells)-1 {
			fmt.Fprintf(&line, "%*s", t.widths[i]-utf8.RuneCountInString(cell)+2, "")
		}
	}
	line.WriteByte('\n')
	_, err := io.WriteString(t.w, line.String())
	return err
}

// printTable writes rows under a header, in aligned columns.
func printTable(w io.Writer, header []string, rows [][]string) error {
	t := newTable(w, header...)
	for _, r := range rows {
		if err := t.row(r...); err != nil {
			return err
		}
	}
	return t.flush()
}

// printJSON writes v for a program to read.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// dash stands for what is empty.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// left says how long from now t is, to the second; "ever" for no end.
func left(t *time.Time) string {
	if t == nil {
		return "ever"
	}
	d := time.Until(*t).Round(time.Second)
	if d < 0 {
		return "passed"
	}
	return d.String()
}

// fromNow says how long ago t was, or how long it is until then.
func fromNow(t time.Time) string {
	if left := time.Until(t).Round(time.Second); left > 0 {
		return "in " + left.String()
	}
	return ago(&t)
}

// ago says how long ago t was, to the second.
func ago(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return time.Since(*t).Round(time.Second).String() + " ago"
}
