package config

import (
	"errors"
	"strings"
)

// maxGroup is the longest name that Linux gives a user or a group (useradd(8)).
const maxGroup = 32

// groupName is the kind of groups of users. Whether there is such a group is
// for the machine to say that the daemon starts on.
func groupName() kind[string] {
	return numeric(textual(`the name or number of a group, or ""`, func(s string) (string, error) {
		switch {
		case len(s) > maxGroup:
			return "", errors.New("is too long")
		case strings.ContainsFunc(s, notInGroup):
			return "", errors.New("is no name for a group")
		}
		return s, nil
	}))
}

func notInGroup(r rune) bool { return r == '.' || notInName(r) }
