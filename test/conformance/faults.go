package main

import "fmt"

// faults lists the rules of this release that no test carries, and the
// numbers in tests that no rule has.
func faults(tables []Table, checks []Check) []string {
	checked := make(map[Number]bool)
	for _, c := range checks {
		checked[c.Number] = true
	}
	var found []string
	known := make(map[Number]bool)
	for _, t := range tables {
		for _, r := range t.Rules {
			known[r.Number] = true
			if r.Later == "" && !checked[r.Number] {
				found = append(found, fmt.Sprintf("%s has no test: %s", r.Number, r.Statement))
			}
		}
	}
	for _, c := range checks {
		if !known[c.Number] {
			found = append(found, fmt.Sprintf("%s %s: there is no rule %s", c.Package, c.Test, c.Number))
		}
	}
	return found
}
