package config

import (
	"errors"
	"path"
	"strings"
	"unicode"
)

// maxInterfaceName is the kernel's limit, IFNAMSIZ without the final zero.
const maxInterfaceName = 15

// maxPatterns bounds each list of interface patterns and mappings.
const maxPatterns = 4096

// patterns is the kind of lists of interface patterns.
func patterns() kind[[]string] {
	pattern := textual("a shell pattern of interface names", parsePattern)
	return list(pattern, 1, maxPatterns, func(s string) string { return s })
}

// parsePattern checks a shell pattern (path.Match) that can match the name of
// an interface.
func parsePattern(s string) (string, error) {
	if _, err := path.Match(s, ""); err != nil {
		return "", errors.New("is not a shell pattern")
	}
	if !strings.ContainsAny(s, `*?[\`) {
		return parseInterface(s)
	}
	return s, nil
}

// interfaceName is the kind of names of single interfaces.
func interfaceName() kind[string] {
	return textual("the name of an interface", parseInterface)
}

// parseInterface checks a name as the kernel does (dev_valid_name).
func parseInterface(s string) (string, error) {
	switch {
	case s == "":
		return "", errors.New("is empty")
	case len(s) > maxInterfaceName:
		return "", errors.New("is longer than 15 octets")
	case s == ".", s == "..", strings.ContainsAny(s, "/:"), strings.ContainsFunc(s, unicode.IsSpace):
		return "", errors.New("can't be a name")
	}
	return s, nil
}
