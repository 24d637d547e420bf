//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machine says in a line on what all this was measured.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u) // cannot fail with memory of ours
	return fmt.Sprintf("%d CPUs, Linux %s, %s; load %s", runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version(), load())
}

// load is the load average of the last minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// number reads the number behind a name in a file of lines "Name: number" or
// "Name number".
func number(file, name string) (int, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.TrimSuffix(fields[0], ":") == name {
			return strconv.Atoi(fields[1])
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, name)
}
