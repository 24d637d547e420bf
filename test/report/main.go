// Command report turns what `go test -json` prints into what `go test` prints,
// and ends it with one line: how many tests passed, failed and were skipped.
// It exits with 1 if anything failed.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Stdin, os.Stdout)) }

// run reads events until the end and returns the exit code.
func run(in io.Reader, out io.Writer) int {
	r := newReport(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20) // a test may print a very long line
	for lines.Scan() {
		r.line(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(out, "report: read the tests' output:", err)
		r.broken = true
	}
	return r.end()
}
