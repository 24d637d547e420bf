package main

import (
	"slices"
	"strings"
	"testing"
)

func TestLeadingNumbers(t *testing.T) {
	tests := []struct{ name, in, numbers, rest string }{
		{"one, a blank", "C58 REPLY and DONE", "C58", "REPLY and DONE"},
		{"one, a colon", "S16: in DATA", "S16", "in DATA"},
		{"several, blanks", "C76 R60 C67 a round", "C76 R60 C67", "a round"},
		{"several, commas", "S9, S12: times", "S9 S12", "times"},
		{"several, and", "R27 and R28 drop", "R27 R28", "drop"},
		{"a range in words", "R27 to R29 are checked", "R27 R28 R29", "are checked"},
		{"a range with a dash", "R8-R10", "R8 R9 R10", ""},
		{"a range that goes back", "R29 to R27", "R29", ""},
		{"of RFC 8987", "G-8, G-9 pd-plain: a route", "G-8 G-9", "pd-plain: a route"},
		{"a number alone", "R60", "R60", ""},
		{"a number within", "see R60", "", "see R60"},
		{"four digits", "R2000 units", "", "R2000 units"},
		{"a letter behind", "C3PO", "", "C3PO"},
		{"hex", "A1 b2", "", "A1 b2"},
		{"nothing", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			numbers, rest := leadingNumbers(tt.in)
			for _, n := range numbers {
				got = append(got, string(n))
			}
			if strings.Join(got, " ") != tt.numbers || rest != tt.rest {
				t.Errorf("leadingNumbers = %q, %q; want %q, %q", got, rest, tt.numbers, tt.rest)
			}
		})
	}
}

func TestCompareNumbers(t *testing.T) {
	want := []Number{"C2", "C10", "C100", "G-2", "R9", "R27", "S1"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNumbers)
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %v, want %v", got, want)
	}
}
