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

// fetchKea is the script that gets Kea; what it does is told in there.
//
//go:embed kea.sh
var fetchKea string

// CacheVariable names the environment variable with the folder where fetched
// programs are kept.
const CacheVariable = "LEASEROUTE_CACHE"

// A KeaTree is a Kea with all its libraries, in a folder of its own.
type KeaTree struct {
	server  string // the kea-dhcp6 program
	loader  string // the tree's ld.so, which runs it
	library string // folder of the tree's libraries
}

// FetchKea returns the Kea 3.0 in the cache folder. If there is none it gets
// it from the Debian mirror that the machine's apt uses, and says so in a line
// on progress. See kea.sh.
func FetchKea(ctx context.Context, progress io.Writer) (KeaTree, error) {
	cache, err := cacheDir()
	if err != nil {
		return KeaTree{}, fmt.Errorf("fetch Kea: %w", err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-c", fetchKea)
	cmd.Env = append(os.Environ(), CacheVariable+"="+cache)
	cmd.Stderr = io.MultiWriter(progress, &said)
	out, err := cmd.Output()
	if err != nil {
		return KeaTree{}, fmt.Errorf("fetch Kea: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return openKeaTree(strings.TrimSpace(string(out)))
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

// openKeaTree finds in a tree what is named after the machine's architecture.
func openKeaTree(dir string) (KeaTree, error) {
	hooks, err := filepath.Glob(filepath.Join(dir, "usr/lib/*/kea/hooks"))
	if err != nil || len(hooks) != 1 {
		return KeaTree{}, fmt.Errorf("open Kea: %s has %d folders of hooks, want 1; delete it to fetch it anew", dir, len(hooks))
	}
	library := filepath.Dir(filepath.Dir(hooks[0]))
	loaders, err := filepath.Glob(filepath.Join(library, "ld-linux*.so.*"))
	if err != nil || len(loaders) != 1 {
		return KeaTree{}, fmt.Errorf("open Kea: %s has %d loaders, want 1; delete %s to fetch it anew", library, len(loaders), dir)
	}
	return KeaTree{server: filepath.Join(dir, "usr/sbin/kea-dhcp6"), loader: loaders[0], library: library}, nil
}

// hooks is the folder of the hook libraries.
func (t KeaTree) hooks() string { return filepath.Join(t.library, "kea/hooks") }

// command returns the arguments that run kea-dhcp6.
func (t KeaTree) command(args ...string) []string {
	return append([]string{t.loader, "--library-path", t.library, t.server}, args...)
}
