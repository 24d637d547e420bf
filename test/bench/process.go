//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit of CPU times in /proc (USER_HZ).
const clockTick = 10 * time.Millisecond

// cpu returns the CPU time that a process has used, user and system.
func cpu(pid int) (time.Duration, error) {
	const utime, stime = 11, 12 // counted behind the name, which may hold anything
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	var ticks int
	for _, i := range []int{utime, stime} {
		n, err := strconv.Atoi(string(fields[i]))
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// memory returns the resident memory of a process in MiB: now, and at most.
func memory(pid int) (now, peak float64, err error) {
	status := fmt.Sprintf("/proc/%d/status", pid)
	rss, err := number(status, "VmRSS")
	if err != nil {
		return 0, 0, err
	}
	most, err := number(status, "VmHWM")
	return float64(rss) / 1024, float64(most) / 1024, err
}
