package numbers

import (
	"iter"
	"slices"
	"strings"
)

// A Number is a counter, or a gauge, by the name that status has for it.
type Number struct {
	Name    string
	Meaning string // what was counted, in an operator's words: "leases that ..."

	// Ordinary is what happens every day. All others deserve a look as soon as
	// they have counted something.
	Ordinary bool
	// Gauge is a number that is so now; the others only grow.
	Gauge bool
	// PerServer is counted for each server on its own.
	PerServer bool
	// Family is what the number is a part of; nil: it stands alone. Its name
	// is then that of the family, an underscore, and the value of the label.
	Family *Family
}

// A Family is a set of numbers that count the same thing by a label.
type Family struct {
	Name    string
	Label   string
	Meaning string
}

// Value is the number's place in its family; "" if it has none.
func (n Number) Value() string {
	if n.Family == nil {
		return ""
	}
	return strings.TrimPrefix(n.Name, n.Family.Name+"_")
}

// Sentence is a meaning with a capital and a full stop.
func Sentence(meaning string) string {
	return strings.ToUpper(meaning[:1]) + meaning[1:] + "."
}

// All yields every number: those of a family side by side, and the servers'
// last.
func All() iter.Seq[Number] { return slices.Values(all) }

// Of returns the number of that name, and whether it is known.
func Of(name string) (Number, bool) {
	n, ok := byName[name]
	return n, ok
}

var (
	all    = slices.Concat(statements, routes, gleaned, onDemand, askers, perServer(connections), perServer(messages), perServer(questions))
	byName = index(all)
)

func index(numbers []Number) map[string]Number {
	out := make(map[string]Number, len(numbers))
	for _, n := range numbers {
		out[n.Name] = n
	}
	return out
}

// worth is a counter that deserves a look.
func worth(name, meaning string) Number { return Number{Name: name, Meaning: meaning} }

// daily is a counter of what happens every day.
func daily(name, meaning string) Number {
	return Number{Name: name, Meaning: meaning, Ordinary: true}
}

// gauge is a number that is so now, and is worth no look by itself.
func gauge(name, meaning string) Number {
	return Number{Name: name, Meaning: meaning, Ordinary: true, Gauge: true}
}

// family makes numbers the parts of a family. Their names are given without
// that of the family.
func family(f Family, parts ...Number) []Number {
	for i := range parts {
		parts[i].Name = f.Name + "_" + parts[i].Name
		parts[i].Family = &f
	}
	return parts
}

// perServer marks numbers as counted for each server.
func perServer(numbers []Number) []Number {
	for i := range numbers {
		numbers[i].PerServer = true
	}
	return numbers
}
