package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed rules.txt
var rules string

// A Rule is one line of rules.txt.
type Rule struct {
	Number    Number
	Statement string
	Later     string // what the rule waits for; "" if it must have a test
}

// A Table is a run of rules under one title.
type Table struct {
	Title string
	Rules []Rule
}

// parseCatalogue reads the form of rules.txt, which says what it is.
func parseCatalogue(text string) ([]Table, error) {
	var tables []Table
	reasons := make(map[string]string)
	seen := make(map[Number]bool)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		title, isTitle := strings.CutPrefix(line, "== ")
		reason, isReason := strings.CutPrefix(line, "later ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case isTitle:
			tables = append(tables, Table{Title: title})
		case isReason:
			key, why, _ := strings.Cut(reason, "=")
			reasons[strings.TrimSpace(key)] = strings.TrimSpace(why)
		default:
			r, err := parseRule(line, reasons)
			if err == nil && (len(tables) == 0 || seen[r.Number]) {
				err = fmt.Errorf("%s is under no title, or there twice", r.Number)
			}
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			seen[r.Number] = true
			last := &tables[len(tables)-1]
			last.Rules = append(last.Rules, r)
		}
	}
	return tables, nil
}

// parseRule reads "NUMBER | statement" or "NUMBER | statement | later KEY".
func parseRule(line string, reasons map[string]string) (Rule, error) {
	fields := strings.Split(line, "|")
	for i, f := range fields {
		fields[i] = strings.TrimSpace(f)
	}
	if n, rest := leadingNumbers(fields[0]); len(n) != 1 || rest != "" {
		return Rule{}, fmt.Errorf("%q does not begin with a number", line)
	}
	if len(fields) < 2 || len(fields) > 3 || fields[1] == "" {
		return Rule{}, fmt.Errorf("%q is not NUMBER | statement [| later KEY]", line)
	}
	r := Rule{Number: Number(fields[0]), Statement: fields[1]}
	if len(fields) == 3 {
		r.Later = reasons[strings.TrimPrefix(fields[2], "later ")]
		if r.Later == "" {
			return Rule{}, fmt.Errorf("%q is not explained above", fields[2])
		}
	}
	return r, nil
}
