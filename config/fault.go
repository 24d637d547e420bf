package config

import (
	"fmt"
	"strings"
)

// maxFaults bounds a report: a file that is not a configuration at all should
// not fill the terminal.
const maxFaults = 100

// A Fault is one thing that is wrong with a configuration. All its texts are
// printable and fit one line.
type Fault struct {
	Where string // the file, "environment NAME" or "flag --name"
	Key   string // such as "servers[0].address"; empty if the whole file is meant
	What  string // what is wrong
	Got   string // the value found; empty if there is none
	Want  string // what is allowed; empty if What tells
}

// Error puts the fault in one line: "where: key: what (got X), want Y".
func (f Fault) Error() string {
	var s strings.Builder
	s.WriteString(f.Where)
	if f.Key != "" {
		s.WriteString(": " + f.Key)
	}
	s.WriteString(": " + f.What)
	if f.Got != "" {
		s.WriteString(" (got " + f.Got + ")")
	}
	if f.Want != "" {
		s.WriteString(", want " + f.Want)
	}
	return s.String()
}

// Faults are all that is wrong with a configuration: at least one.
type Faults []Fault

// Error gives one line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As each single Fault.
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// A report collects what is found while a configuration is read.
type report struct {
	faults   Faults
	warnings []string
}

// add takes a fault in, up to maxFaults; one more says that there are more.
func (r *report) add(f Fault) {
	switch {
	case len(r.faults) < maxFaults:
		r.faults = append(r.faults, f)
	case len(r.faults) == maxFaults:
		r.faults = append(r.faults, Fault{Where: f.Where, What: fmt.Sprintf("more than %d faults, the rest is not shown", maxFaults)})
	}
}

// warn takes in what is accepted and told.
func (r *report) warn(f Fault) { r.warnings = append(r.warnings, f.Error()) }
