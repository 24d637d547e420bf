package routes

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder finds a process that has the socket with this inode open: 0 if there
// is none that we may look at. The kernel's own number of a netlink socket
// does not tell: a daemon makes its socket before it forks.
func holder(inode uint64) (pid int, program string) {
	want := fmt.Sprintf("socket:[%d]", inode)
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return 0, ""
	}
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", p.Name())
		if hasOpen(filepath.Join(dir, "fd"), want) {
			name, _ := os.ReadFile(filepath.Join(dir, "comm")) // it may have just ended
			return pid, strings.ToValidUTF8(strings.TrimSpace(string(name)), "?")
		}
	}
	return 0, ""
}

// hasOpen reports whether one of the links in a process's folder of open files
// is want. What we may not read, we do not see.
func hasOpen(dir, want string) bool {
	files, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, f := range files {
		if link, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && link == want {
			return true
		}
	}
	return false
}
