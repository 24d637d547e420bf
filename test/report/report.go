package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// An event is one line of `go test -json` (`go doc test2json`, and
// `go help buildjson` for the build's).
type event struct {
	Action  string
	Package string
	Test    string // empty if it is about the whole package
	Output  string
}

// A name identifies a test, or with an empty test a package.
type name struct{ pkg, test string }

// A report counts tests and prints those that fail.
type report struct {
	out     io.Writer
	printed map[name]*strings.Builder // what the tests that still run have printed
	parents map[name]bool             // tests that have subtests, which are counted instead
	counts  map[string]int            // by action: pass, fail, skip
	skipped []string
	broken  bool // something other than a test failed: a build, a TestMain
}

func newReport(out io.Writer) *report {
	return &report{
		out:     out,
		printed: make(map[name]*strings.Builder),
		parents: make(map[name]bool),
		counts:  make(map[string]int),
	}
}

// line takes one line of input; one that is no event is passed on.
func (r *report) line(b []byte) {
	var e event
	if err := json.Unmarshal(b, &e); err != nil {
		fmt.Fprintf(r.out, "%s\n", b)
		return
	}
	switch n := (name{e.Package, e.Test}); {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "build-fail":
		r.broken = true
	case e.Action == "run":
		r.started(n)
	case e.Action == "output" && e.Test != "":
		r.keep(n, e.Output)
	case e.Action == "output" && e.Output != "PASS\n":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		r.ended(n, e.Action)
	}
}

func (r *report) started(n name) {
	if i := strings.LastIndexByte(n.test, '/'); i >= 0 {
		r.parents[name{n.pkg, n.test[:i]}] = true
	}
}

func (r *report) keep(n name, output string) {
	if r.printed[n] == nil {
		r.printed[n] = new(strings.Builder)
	}
	r.printed[n].WriteString(output)
}

// ended counts a test, and prints what it had to say if it failed.
func (r *report) ended(n name, action string) {
	if n.test == "" {
		r.packageEnded(n.pkg, action)
		return
	}
	said := r.printed[n]
	delete(r.printed, n)
	if action == "fail" && said != nil {
		fmt.Fprintf(r.out, "%s: %s\n%s", n.pkg, n.test, said)
	}
	if r.parents[n] && action == "pass" {
		return // its subtests are counted
	}
	r.counts[action]++
	if action == "skip" {
		r.skipped = append(r.skipped, n.pkg+": "+n.test)
	}
}

// packageEnded prints what tests said that never ended: the process died.
func (r *report) packageEnded(pkg, action string) {
	if action == "fail" {
		r.broken = true
	}
	for n, said := range r.printed {
		if n.pkg != pkg {
			continue
		}
		delete(r.printed, n)
		if action == "fail" {
			fmt.Fprintf(r.out, "%s: %s did not end\n%s", n.pkg, n.test, said)
			r.counts["fail"]++
		}
	}
}

// end prints the closing lines and returns the exit code.
func (r *report) end() int {
	for _, s := range r.skipped {
		fmt.Fprintln(r.out, "skipped", s)
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.counts["pass"], r.counts["fail"], r.counts["skip"])
	if r.broken || r.counts["fail"] > 0 {
		return 1
	}
	return 0
}
