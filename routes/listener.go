package routes

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Listener is somebody else's socket that hears of IPv6 routes, such as a
// routing daemon's.
type Listener struct {
	Inode   uint64 // of the socket, which names it for as long as it lives
	Lost    uint64 // messages that the kernel could not deliver to it, since we began to look
	Program string // that has the socket open; empty if we may not know
	Pid     int    // likewise; 0
}

// String names the listener for an operator.
func (l Listener) String() string {
	if l.Pid == 0 {
		return fmt.Sprintf("socket %d", l.Inode)
	}
	return fmt.Sprintf("%s[%d]", l.Program, l.Pid)
}

// compare orders listeners by inode.
func (l Listener) compare(o Listener) int { return cmp.Compare(l.Inode, o.Inode) }

// errNoListeners reports a /proc/net/netlink that is not as expected.
var errNoListeners = errors.New("not a list of netlink sockets")

// hearsRoutes is the bit of RTNLGRP_IPV6_ROUTE in the column Groups.
const hearsRoutes = 1 << (11 - 1)

// An ear is what the kernel tells of one socket that hears of IPv6 routes.
type ear struct {
	drops  uint32 // messages that it lost; the kernel's counter wraps
	queued int64  // octets of memory that messages wait in
}

// parseListeners reads /proc/net/netlink: the sockets of the protocol for
// routes that hear of IPv6 ones, by inode. The error wraps errNoListeners.
func parseListeners(text string) (map[uint64]ear, error) {
	head, rest, _ := strings.Cut(text, "\n")
	columns := make(map[string]int)
	for i, name := range strings.Fields(head) {
		columns[name] = i
	}
	var at [5]int
	for i, name := range [...]string{"Eth", "Groups", "Drops", "Inode", "Rmem"} {
		column, there := columns[name]
		if !there {
			return nil, fmt.Errorf("no column %s: %w", name, errNoListeners)
		}
		at[i] = column
	}
	ears := make(map[uint64]ear)
	for line := range strings.Lines(rest) {
		fields := strings.Fields(line)
		if len(fields) != len(columns) {
			return nil, fmt.Errorf("%d columns, want %d: %w", len(fields), len(columns), errNoListeners)
		}
		protocol, err := strconv.ParseUint(fields[at[0]], 10, 16)
		groups, err2 := strconv.ParseUint(fields[at[1]], 16, 32)
		drops, err3 := strconv.ParseInt(fields[at[2]], 10, 64) // printed as a signed number
		inode, err4 := strconv.ParseUint(fields[at[3]], 10, 64)
		queued, err5 := strconv.ParseInt(fields[at[4]], 10, 64)
		if err := errors.Join(err, err2, err3, err4, err5); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoListeners, err)
		}
		if protocol == 0 && groups&hearsRoutes != 0 {
			ears[inode] = ear{drops: uint32(drops), queued: queued}
		}
	}
	return ears, nil
}
