package config

import (
	"errors"
	"strconv"
)

// The kernel's numbers of routing tables that have a name everywhere
// (rtnetlink(7)).
const (
	tableDefault = 253
	tableMain    = 254
	tableLocal   = 255
)

// routeTable is the kind of routing tables. Names from the host's rt_tables
// are not read: the same file should mean the same everywhere.
func routeTable() kind[uint32] {
	return numeric(textual("main, default, or a table's number from 1 to 4294967295 but 255", parseTable))
}

// parseTable reads a table's name or number.
func parseTable(s string) (uint32, error) {
	switch s {
	case "main":
		return tableMain, nil
	case "default":
		return tableDefault, nil
	case "local":
		return 0, errors.New("is the kernel's own")
	}
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("is out of range")
	case err != nil:
		return 0, errors.New("is not known")
	case n == 0:
		return 0, errors.New("is no table")
	case n == tableLocal:
		return 0, errors.New("is the kernel's own")
	}
	return uint32(n), nil
}

// maxMetric is the largest metric: FRR takes the top octet of what the kernel
// says for an administrative distance.
const maxMetric = 1<<24 - 1

// raProtocol is what the kernel gives to routes from router advertisements.
// Those below 5 are for the kernel and for what administrators add by hand.
const raProtocol = 9

// routeProtocol is the kind of route protocol numbers (rtnetlink(7)).
func routeProtocol() kind[int64] {
	return ranged("a whole number from 5 to 255 but 9", 0, 255, func(n int64) error {
		if n < 5 || n == raProtocol {
			return errors.New("is the kernel's or the administrator's own")
		}
		return nil
	})
}

// protocolUser names the daemon that is known to use a route protocol number
// (linux/rtnetlink.h and FRR's rt_netlink.h), or is empty.
func protocolUser(protocol uint8) string {
	switch protocol {
	case 8:
		return "GateD"
	case 10:
		return "MRT"
	case 11:
		return "zebra"
	case 12:
		return "BIRD"
	case 13:
		return "DECnet"
	case 14:
		return "XORP"
	case 15:
		return "Netsukuku"
	case 16:
		return "a DHCP client"
	case 17:
		return "mrouted"
	case 18:
		return "keepalived"
	case 42:
		return "babeld"
	case 84:
		return "OVN"
	case 99:
		return "Open/R"
	case 186, 187, 188, 189, 190, 191, 192, 193, 194, 195, 196, 197, 198:
		return "FRR"
	}
	return ""
}
