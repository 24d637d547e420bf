package config

import "strings"

// An entry is a key together with what happens to its value.
type entry[T any] struct {
	Key
	fallback any // the default, as a file would give it; nil if required
	store    func(p place, v any, into *T)
}

// optional makes an entry with a default.
func optional[T, V any](path string, fallback any, k kind[V], store func(*T, V), help string) entry[T] {
	e := required(path, fallback, k, store, help)
	e.Required, e.fallback = false, fallback
	e.Default, e.Example = e.Example, ""
	return e
}

// required makes an entry without a default. The example goes into the
// reference file.
func required[T, V any](path string, example any, k kind[V], store func(*T, V), help string) entry[T] {
	return entry[T]{
		Key: Key{Path: path, Type: k.words, Example: asYAML(example), Help: help, Required: true, scalar: k.scalar},
		store: func(p place, v any, into *T) {
			store(into, k.parse(p, v))
		},
	}
}

// read parses v, or the default if v is nil, into its field.
func (e entry[T]) read(p place, v any, into *T) {
	if v == nil {
		v = e.fallback
	}
	switch {
	case v != nil:
		e.store(p, v, into)
	case e.Required:
		p.missing(e.Type)
	}
}

// name is the last word of the path.
func (e entry[T]) name() string {
	return e.Path[strings.LastIndexByte(e.Path, '.')+1:]
}
