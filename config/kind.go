package config

import (
	"errors"
	"fmt"
)

// A kind is a type of value as an operator writes it.
type kind[V any] struct {
	words  string // what is allowed, such as "a whole number from 1 to 255"
	scalar bool   // one value: the environment can hold it

	// parse turns what the file, the environment or a flag holds into a V. It
	// reports each fault to the place and then gives what could be read: the
	// zero V for a scalar.
	parse func(p place, v any) V
}

// A refusal is an error that knows better than its kind what to write instead.
type refusal struct{ what, want string }

func (r *refusal) Error() string { return r.what }

// textual is the kind of values that are written as text. The error of parse
// says what is wrong, without the value; it may be a *refusal.
func textual[V any](words string, parse func(string) (V, error)) kind[V] {
	return kind[V]{words: words, scalar: true, parse: func(p place, v any) (zero V) {
		s, ok := v.(string)
		if !ok {
			p.refuse(v, notText(v), words)
			return zero
		}
		out, err := parse(s)
		if err == nil {
			return out
		}
		want := words
		if r, ok := errors.AsType[*refusal](err); ok {
			want = r.want
		}
		p.refuse(v, err.Error(), want)
		return zero
	}}
}

// numeric is k for which a whole number needs no quotes: 56 is as good as "56".
func numeric[V any](k kind[V]) kind[V] {
	parse := k.parse
	k.parse = func(p place, v any) V {
		if n, ok := whole(v, false); ok {
			v = fmt.Sprint(n)
		}
		return parse(p, v)
	}
	return k
}

// notText says what is wrong with v where text is wanted. An unquoted DUID is a
// number to YAML.
func notText(v any) string {
	switch v.(type) {
	case []any, map[string]any, map[any]any, nil:
		return "is not text"
	default:
		return "is not text unless it is put in quotes"
	}
}

// list is the kind of lists of least to most elements. Two elements with the
// same id are a fault; a nil id compares none.
func list[V any](elem kind[V], least, most int, id func(V) string) kind[[]V] {
	words := fmt.Sprintf("a list, each %s", elem.words)
	return kind[[]V]{words: words, parse: func(p place, v any) []V {
		in, ok := v.([]any)
		switch {
		case !ok:
			p.refuse(v, "is not a list", words)
			return nil
		case len(in) < least:
			p.refuse(v, "is empty", words)
			return nil
		case len(in) > most:
			p.refuse(len(in), "has too many elements", fmt.Sprintf("at most %d", most))
			return nil
		}
		return elements(p, in, elem, id)
	}}
}

// elements parses each element of a list. One that is refused leaves a zero
// V, so that indexes stay those of the file.
func elements[V any](p place, in []any, elem kind[V], id func(V) string) []V {
	out := make([]V, len(in))
	first := make(map[string]int, len(in))
	for i, v := range in {
		at, before := p.index(i), p.faults()
		out[i] = elem.parse(at, v)
		if id == nil || at.faults() > before {
			continue
		}
		if j, repeated := first[id(out[i])]; repeated {
			at.refuse(v, "repeats "+p.index(j).key, "each only once")
			continue
		}
		first[id(out[i])] = i
	}
	return out
}

// object is the kind of mappings with the given keys. Keys that it does not
// have were reported before (see loader.prune).
func object[T any](words string, entries func() []entry[T]) kind[T] {
	return kind[T]{words: words, parse: func(p place, v any) (out T) {
		m, ok := v.(map[string]any)
		if !ok {
			p.refuse(v, "is not a mapping", words)
			return out
		}
		for _, e := range entries() {
			e.read(p.field(e.name()), m[e.name()], &out)
		}
		return out
	}}
}
