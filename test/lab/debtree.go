//go:build linux

package lab

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// makeTree is what the scripts that fetch trees have in common.
//
//go:embed debtree.sh
var makeTree string

// CacheVariable names the environment variable with the folder where fetched
// programs are kept.
const CacheVariable = "LEASEROUTE_CACHE"

// A debTree is a folder of unpacked Debian packages, whose programs run with
// their own libraries. See debtree.sh.
type debTree struct {
	dir    string
	loader string // the tree's ld.so, which runs its programs
	extra  string // folder of more libraries, beside the usual ones; empty: none
}

// fetchTree runs a script that makes a tree, and opens that.
func fetchTree(ctx context.Context, script string, progress io.Writer) (debTree, error) {
	cache, err := cacheDir()
	if err != nil {
		return debTree{}, err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-c", makeTree+script)
	cmd.Env = append(os.Environ(), CacheVariable+"="+cache)
	cmd.Stderr = io.MultiWriter(progress, &said)
	out, err := cmd.Output()
	if err != nil {
		return debTree{}, fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	t := debTree{dir: strings.TrimSpace(string(out))}
	t.loader, err = t.find("lib/*/ld-linux*.so.*")
	return t, err
}

// cacheDir finds the folder for fetched programs: the variable's, else .cache
// of the project that the working directory is in, else the user's.
func cacheDir() (string, error) {
	if dir := os.Getenv(CacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && bytes.HasPrefix(mod, []byte("module leaseroute\n")) {
			return filepath.Join(dir, ".cache"), nil
		}
	}
	dir, err = os.UserCacheDir()
	return filepath.Join(dir, "leaseroute"), err
}

// find returns the one path in the tree that matches, with or without usr/ in
// front: Debian moved what was outside.
func (t debTree) find(pattern string) (string, error) {
	var found []string
	for _, top := range []string{"", "usr"} {
		more, err := filepath.Glob(filepath.Join(t.dir, top, pattern))
		if err != nil {
			panic(err) // a bad pattern
		}
		found = append(found, more...)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s has %d of %s, want 1; delete it to fetch it anew", t.dir, len(found), pattern)
	}
	return found[0], nil
}

// command returns the arguments that run a program of the tree.
func (t debTree) command(program string, args ...string) []string {
	arch := filepath.Base(filepath.Dir(t.loader))
	libraries := filepath.Join(t.dir, "lib", arch) + ":" + filepath.Join(t.dir, "usr/lib", arch)
	if t.extra != "" {
		libraries += ":" + filepath.Join(t.dir, "usr/lib", arch, t.extra)
	}
	return append([]string{t.loader, "--library-path", libraries, program}, args...)
}
