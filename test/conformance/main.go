// Command conformance writes docs/conformance.md: which rule is checked by
// which test. It reads the numbers in the names of all tests and the list of
// rules in rules.txt; -n prints what is missing and writes nothing.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run .

func main() {
	dry := flag.Bool("n", false, "print the faults, write nothing")
	flag.Parse()
	if err := run(*dry); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(dry bool) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	tables, checks, err := load(root)
	if err != nil {
		return err
	}
	for _, f := range faults(tables, checks) {
		fmt.Fprintln(os.Stderr, f)
	}
	if dry {
		return nil
	}
	return os.WriteFile(page(root), []byte(render(tables, checks)), 0o644)
}

// load reads the list of rules, and the tests below root.
func load(root string) ([]Table, []Check, error) {
	tables, err := parseCatalogue(rules)
	if err != nil {
		return nil, nil, fmt.Errorf("rules.txt: %w", err)
	}
	checks, err := scan(root)
	return tables, checks, err
}

func page(root string) string { return filepath.Join(root, "docs", "conformance.md") }

// moduleRoot is the nearest folder above the working one that holds go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = up
	}
}
