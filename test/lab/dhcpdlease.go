//go:build linux

package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// dhcpdTime is how dhcpd writes an instant, in UTC.
const dhcpdTime = "2006/01/02 15:04:05"

// readDhcpdLeases reads a lease file (dhcpd.leases(5), with lease-id-format
// hex) and returns the leases that are live at an instant, sorted by prefix.
// dhcpd appends to the file: of each lease the last entry counts. An entry
// that is not yet whole is left out, as is a line without an end.
func readDhcpdLeases(file string, now time.Time) ([]Lease, error) {
	r := dhcpdReader{order: binary.LittleEndian, live: make(map[netip.Prefix]Lease), now: now}
	for line := range strings.Lines(file) {
		words := strings.Fields(strings.TrimSuffix(line, ";\n"))
		if len(words) == 0 || !strings.HasSuffix(line, "\n") {
			continue
		}
		if err := r.line(words); err != nil {
			return nil, fmt.Errorf("read dhcpd's leases: %q: %w", line, err)
		}
	}
	return slices.SortedFunc(maps.Values(r.live), func(a, b Lease) int { return a.Prefix.Compare(b.Prefix) }), nil
}

// A dhcpdReader follows the lines of a lease file.
type dhcpdReader struct {
	now   time.Time
	order binary.ByteOrder // of the machine that wrote the file
	live  map[netip.Prefix]Lease

	lease  Lease // the one that the line belongs to, as far as it is known
	active bool
}

// line takes one line, which has at least one word.
func (r *dhcpdReader) line(words []string) (err error) {
	switch word := words[0]; {
	case word == "authoring-byte-order" && len(words) == 2 && words[1] == "big-endian":
		r.order = binary.BigEndian
	case (word == "ia-pd" || word == "ia-na") && len(words) == 3:
		return r.association(words[1])
	case word == "iaprefix" && len(words) == 3:
		r.lease.Prefix, err = netip.ParsePrefix(words[1])
	case word == "iaaddr" && len(words) == 3:
		var address netip.Addr
		address, err = netip.ParseAddr(words[1])
		r.lease.Prefix = netip.PrefixFrom(address, 128)
	case word == "binding" && len(words) == 3:
		r.active = words[2] == "active"
	case word == "ends" && len(words) == 4: // the day of the week, the date, the time
		r.lease.Until, err = time.Parse(dhcpdTime, words[2]+" "+words[3])
	case word == "ends": // never
		r.lease.Until = time.Time{}
	case word == "}" && r.lease.Prefix.IsValid():
		r.end()
	}
	return err
}

// association takes the name of an identity association: IAID and DUID.
func (r *dhcpdReader) association(name string) error {
	b, err := unhex(name)
	if err != nil {
		return err
	}
	if len(b) < 4 {
		return errors.New("no room for an IAID")
	}
	r.lease = Lease{IAID: r.order.Uint32(b), DUID: b[4:]}
	return nil
}

// end takes the end of a lease. Others of the same association may follow.
func (r *dhcpdReader) end() {
	l := r.lease
	if r.active && (l.Until.IsZero() || l.Until.After(r.now)) {
		r.live[l.Prefix] = l
	} else {
		delete(r.live, l.Prefix)
	}
	r.lease.Prefix, r.lease.Until, r.active = netip.Prefix{}, time.Time{}, false
}

// dhcpdInstant matches when dhcpd heard a client, or when a lease ends. The
// submatches: what it is, the date and the time.
var dhcpdInstant = regexp.MustCompile(`(cltt|ends) \d (\S+ [^;]+);`)

// ageDhcpdLeases returns a lease file in which everything happened that much
// earlier.
func ageDhcpdLeases(file string, by time.Duration) string {
	return dhcpdInstant.ReplaceAllStringFunc(file, func(line string) string {
		words := dhcpdInstant.FindStringSubmatch(line)
		at, err := time.Parse(dhcpdTime, words[2])
		if err != nil {
			return line
		}
		at = at.Add(-by)
		return fmt.Sprintf("%s %d %s;", words[1], at.Weekday(), at.Format(dhcpdTime))
	})
}
