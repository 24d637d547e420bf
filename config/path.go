package config

import (
	"errors"
	"path/filepath"
)

// directory is the kind of paths of directories.
func directory() kind[string] {
	return textual("an absolute path", parsePath)
}

// parsePath wants an absolute path: a daemon's working directory is nobody's
// business.
func parsePath(s string) (string, error) {
	switch {
	case s == "":
		return "", errors.New("is empty")
	case !filepath.IsAbs(s):
		return "", errors.New("is relative")
	}
	return filepath.Clean(s), nil
}

// maxSocket is the longest path that fits sun_path (unix(7)) with its final
// zero.
const maxSocket = 107

// socketPath is the kind of paths of unix sockets.
func socketPath() kind[string] {
	return textual("an absolute path of at most 107 octets", func(s string) (string, error) {
		if len(s) > maxSocket {
			return "", errors.New("is too long")
		}
		return parsePath(s)
	})
}
