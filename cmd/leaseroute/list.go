package main

import (
	"encoding/json"
	"io"
)

// A listPrinter prints the elements of a list as they come: rows of a table,
// or one JSON array.
type listPrinter[T any] struct {
	w     io.Writer
	table *table // nil: JSON
	row   func(T) []string
	next  string // what comes before the next element of the array
}

func newListPrinter[T any](w io.Writer, asJSON bool, header []string, row func(T) []string) *listPrinter[T] {
	p := &listPrinter[T]{w: w, row: row, next: "[\n  "}
	if !asJSON {
		p.table = newTable(w, header...)
	}
	return p
}

func (p *listPrinter[T]) add(v T) error {
	if p.table != nil {
		return p.table.row(p.row(v)...)
	}
	text, err := json.MarshalIndent(v, "  ", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.w, p.next+string(text))
	p.next = ",\n  "
	return err
}

// end prints what is left. A list that broke off has no end: its JSON is
// invalid, so that no program takes it for all.
func (p *listPrinter[T]) end() error {
	if p.table != nil {
		return p.table.flush()
	}
	end := "\n]\n"
	if p.next == "[\n  " {
		end = "[]\n"
	}
	_, err := io.WriteString(p.w, end)
	return err
}
