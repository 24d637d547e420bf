package main

import (
	"fmt"
	"io"
)

// An output is where a command prints to. It remembers that something could
// not be written, which many a print does not tell: a full disk must not end
// with exit code 0.
type output struct {
	to  io.Writer
	err error // the first
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("standard output: %w", err)
	}
	return n, err
}
