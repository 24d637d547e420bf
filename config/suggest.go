package config

import (
	"fmt"
	"strings"
)

// unknown says of a key that n does not have what may have been meant.
func unknown(n *node, p place, name string) string {
	if strings.Contains(name, ".") {
		return "unknown key, a dot does not nest: write a mapping"
	}
	for _, k := range Keys() {
		if last := k.Path[strings.LastIndexByte(k.Path, '.')+1:]; last == name {
			return fmt.Sprintf("unknown key, did you mean %s?", k.Path)
		}
	}
	if near, ok := nearest(name, n.names); ok {
		return fmt.Sprintf("unknown key, did you mean %s?", p.field(near).key)
	}
	return "unknown key, want " + joined(n.names, "or")
}

// maxSuggested is the longest name that is compared: the time that it takes
// grows with the square.
const maxSuggested = 64

// nearest gives the word that name was probably meant to be: a slip in up to
// every third letter, and case and dashes do not count.
func nearest(name string, words []string) (string, bool) {
	if len(name) > maxSuggested {
		return "", false
	}
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, least := "", 1+len(name)/3
	for _, w := range words {
		if d := distance(name, w); d < least {
			best, least = w, d
		}
	}
	return best, best != ""
}

// distance is the number of octets to insert, delete or replace in order to
// turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of a's beginning to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
