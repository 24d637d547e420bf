package main

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// A Number names a rule: a letter and a number such as C58 or R60, or a
// requirement of RFC 8987 such as G-8.
type Number string

const (
	number    = `(?:[CRSL][0-9]{1,3}|[GRSO]-[0-9])`
	separator = `(?:, | and | to |-| )`
)

var (
	leading  = regexp.MustCompile(`^` + number + `(?:` + separator + number + `)*(?:\b|$)`)
	oneRule  = regexp.MustCompile(number)
	between  = regexp.MustCompile(`^(?: to |-)$`)
	trimming = " :,"
)

// leadingNumbers returns the numbers that s begins with, and what follows
// them. They stand in a list ("C67 R55", "S9, S12") or in a range ("R27 to
// R29"), which is written out.
func leadingNumbers(s string) (found []Number, rest string) {
	list := leading.FindString(s)
	if list == "" {
		return nil, s
	}
	end := 0
	for _, at := range oneRule.FindAllStringIndex(list, -1) {
		n := Number(list[at[0]:at[1]])
		if len(found) > 0 && between.MatchString(list[end:at[0]]) {
			found = append(found, after(found[len(found)-1], n)...)
		} else {
			found = append(found, n)
		}
		end = at[1]
	}
	return found, strings.Trim(s[len(list):], trimming)
}

// after lists the numbers behind first, up to and with last: none if they are
// of different kinds or in the wrong order, which no catalogue has.
func after(first, last Number) []Number {
	var all []Number
	for n := first.value() + 1; n <= last.value(); n++ {
		all = append(all, Number(first.kind()+strconv.Itoa(n)))
	}
	return all
}

// kind is what stands before the digits: "C", or "G-".
func (n Number) kind() string { return strings.TrimRight(string(n), "0123456789") }

// value is the digits' value.
func (n Number) value() int {
	v, _ := strconv.Atoi(string(n)[len(n.kind()):]) // at most three digits
	return v
}

func compareNumbers(a, b Number) int {
	return cmp.Or(cmp.Compare(a.kind(), b.kind()), cmp.Compare(a.value(), b.value()))
}
