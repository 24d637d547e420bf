package config

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// A place is where a value stands, for the faults that are found in it.
type place struct {
	report *report
	where  string // as Fault.Where
	key    string // as Fault.Key
	text   bool   // the value comes from the environment or a flag, where all is text
}

// field is the place of a member of a mapping. The name may be anything that a
// file holds.
func (p place) field(name string) place {
	name = printable(name)
	if p.key != "" {
		name = p.key + "." + name
	}
	p.key = name
	return p
}

// index is the place of an element of a list.
func (p place) index(i int) place {
	p.key += "[" + strconv.Itoa(i) + "]"
	return p
}

// refuse reports that v is not acceptable here.
func (p place) refuse(v any, what, want string) {
	p.report.add(p.fault(v, what, want))
}

// warn reports that v is accepted but doubtful.
func (p place) warn(v any, what, want string) {
	p.report.warn(p.fault(v, what, want))
}

func (p place) fault(v any, what, want string) Fault {
	return Fault{Where: p.where, Key: p.key, What: what, Got: show(v), Want: want}
}

// missing reports that a required key is absent.
func (p place) missing(want string) {
	p.report.add(Fault{Where: p.where, Key: p.key, What: "is missing", Want: want})
}

// faults counts what was reported so far, to see whether a step added to it.
func (p place) faults() int { return len(p.report.faults) }

// maxShown bounds a value in a message, in octets before quoting.
const maxShown = 64

// show renders a value for a message: short, printable and on one line.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return strconv.Quote(clip(v, maxShown))
	case []any:
		if len(v) == 0 {
			return "an empty list"
		}
		return "a list"
	case map[string]any, map[any]any:
		return "a mapping"
	default:
		return printable(fmt.Sprint(v))
	}
}

// clip shortens s to most octets, at a rune's border.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "..."
}

// printable gives s, shortened, as it is if it is plain, and quoted otherwise.
func printable(s string) string {
	s = clip(s, maxShown)
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
