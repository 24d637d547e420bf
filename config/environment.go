package config

import (
	"fmt"
	"os"
	"strings"
)

// strayVariables warns about variables that look like ours and do nothing: a
// slip in a name, or a list. Others are left alone, since a container's
// environment may hold names that begin like ours by chance.
func strayVariables(r *report, keys []Key) {
	names, lists := variables(keys)
	for _, assignment := range os.Environ() {
		name, value, _ := strings.Cut(assignment, "=")
		if !strings.HasPrefix(name, "LEASEROUTE_") || value == "" || names[name] {
			continue
		}
		where := "environment " + printable(name)
		if path, ok := lists[name]; ok {
			r.warn(Fault{Where: where, What: path + " is a list and can't be set here, ignored"})
		} else if near, ok := nearVariable(name, names); ok {
			r.warn(Fault{Where: where, What: fmt.Sprintf("unknown variable, ignored, did you mean %s?", near)})
		}
	}
}

// variables gives the names of all variables, and for each list's name that
// might be taken for one the list's path.
func variables(keys []Key) (names map[string]bool, lists map[string]string) {
	names, lists = make(map[string]bool), make(map[string]string)
	for _, k := range keys {
		if env := k.Env(); env != "" {
			names[env] = true
		} else if !strings.Contains(k.Path, "[]") {
			lists[envName(k.Path)] = k.Path
		}
	}
	return names, lists
}

// nearVariable finds a variable that differs from name by at most two letters.
func nearVariable(name string, names map[string]bool) (string, bool) {
	best, least := "", 3
	for known := range names {
		if len(name) > maxSuggested {
			break
		}
		if d := distance(name, known); d < least || d == least && known < best {
			best, least = known, d
		}
	}
	return best, best != ""
}
