package main

import (
	"fmt"
	"slices"
	"strings"
)

// maxNames bounds the subtests that are named for one rule.
const maxNames = 4

const preamble = `# Conformance

<!-- Written by "go generate ./test/conformance". Don't edit. -->

Every rule of a leasequery requestor has a number, and every test carries the
numbers of the rules that it checks, in its name or in a subtest's. This page is
made of those names; a test fails when it is out of date, or when a rule that is
not marked as later has no test.

To run what is listed for a rule (as root, or tests that need a network are
skipped):

` + "```" + `
sudo go test ./lqclient -v -run 'TestStateMachine/C58'
` + "```" + `

C-numbers are the checklist. R are a requestor's rules, S those of the simulated
server, L a relay's; G-, R- and S- with a dash are the requirements of RFC 8987.
*Later* says what a rule waits for; tests that are there already are listed.
`

// render writes the page.
func render(tables []Table, checks []Check) string {
	var b strings.Builder
	b.WriteString(preamble)
	for _, t := range tables {
		fmt.Fprintf(&b, "\n## %s\n\n| | Rule | Tests |\n|---|---|---|\n", t.Title)
		for _, r := range t.Rules {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Number, cell(r.Statement), tests(r, checks))
		}
	}
	return b.String()
}

// tests is the last column: subtests by name for the checklist, else the
// functions.
func tests(r Rule, checks []Check) string {
	of := slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return c.Number != r.Number })
	lines := functions(of)
	if r.Number.kind() == "C" {
		lines = subtests(of)
	}
	if r.Later != "" {
		lines = append(lines, "*later:* "+r.Later)
	}
	return strings.Join(lines, "<br>")
}

// subtests lists each check, up to maxNames.
func subtests(of []Check) []string {
	var lines []string
	for i, c := range of {
		if i == maxNames {
			return append(lines, fmt.Sprintf("and %d more", len(of)-i))
		}
		line := fmt.Sprintf("`%s` %s", c.Package, c.Test)
		if c.Name != "" {
			line += ": " + cell(c.Name)
		}
		lines = append(lines, line)
	}
	return lines
}

// functions lists the test functions, each once; checks are sorted.
func functions(of []Check) []string {
	var lines []string
	for _, c := range of {
		lines = append(lines, fmt.Sprintf("`%s` %s", c.Package, c.Test))
	}
	return slices.Compact(lines)
}

// cell is s as it may stand in a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "\n", " ").Replace(s)
}
