package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A Key is one key of the configuration, as the reference describes it.
type Key struct {
	Path     string // such as "routes.metric"; "[]" stands for an element of a list
	Type     string // what is allowed, in words
	Default  string // as YAML; empty if required
	Example  string // as YAML, for a required key
	Help     string // full sentences
	Required bool

	scalar bool
}

// Keys lists all keys in the order of the reference file. A key of a list's
// elements follows the list.
func Keys() []Key {
	var keys []Key
	for _, e := range rootKeys() {
		keys = append(keys, e.Key)
		switch e.Path {
		case "servers":
			keys = append(keys, elementKeys("servers[].", serverKeys())...)
		case "interfaces.interface_ids":
			keys = append(keys, elementKeys("interfaces.interface_ids[].", interfaceIDKeys())...)
		}
	}
	return keys
}

// elementKeys lists the keys of a list's elements by their full path.
func elementKeys[T any](prefix string, entries []entry[T]) []Key {
	keys := make([]Key, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
		keys[i].Path = prefix + e.Path
	}
	return keys
}

// Env is the environment variable that overrides the key: scalars have one,
// lists and what is in them have none.
func (k Key) Env() string {
	if !k.scalar || strings.Contains(k.Path, "[]") {
		return ""
	}
	return envName(k.Path)
}

// envName spells a path as an environment variable.
func envName(path string) string {
	return "LEASEROUTE_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// plain matches text that YAML reads as that text, numbers apart.
var plain = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9/_.-]*$`)

// asYAML writes a default or an example on one line: a scalar or a list of
// such.
func asYAML(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		elems := make([]string, len(v))
		for i, e := range v {
			elems[i] = asYAML(e)
		}
		return "[" + strings.Join(elems, ", ") + "]"
	case string:
		if isNumber(v) || !plain.MatchString(v) {
			return strconv.Quote(v)
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}
