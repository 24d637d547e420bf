//go:build linux

package lab

import (
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"leaseroute/binding"
)

// keaLeaseFile is the name of the lease file in a Kea's folder.
const keaLeaseFile = "kea-leases6.csv"

// readKeaLeases reads a lease file. Kea appends to it whenever a lease
// changes: of each lease the last line counts. The result is sorted by prefix.
func readKeaLeases(r io.Reader) ([]KeaLease, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = strings.Count(keaHeader, ",") + 1
	in.LazyQuotes = true // the context's JSON is not quoted
	last := make(map[netip.Prefix]KeaLease)
	if _, err := in.Read(); err != nil {
		return nil, fmt.Errorf("read the lease file's header: %w", err)
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the lease file: %w", err)
		}
		l, err := parseKeaLease(row)
		if err != nil {
			return nil, fmt.Errorf("read the lease file: lease %s: %w", row[0], err)
		}
		last[l.Prefix] = l
	}
	var leases []KeaLease
	for _, l := range last {
		leases = append(leases, l)
	}
	slices.SortFunc(leases, func(a, b KeaLease) int { return a.Prefix.Compare(b.Prefix) })
	return leases, nil
}

// parseKeaLease takes a line's columns apart.
func parseKeaLease(row []string) (KeaLease, error) {
	var errs []error
	number := func(column, bits int) uint64 {
		n, err := strconv.ParseUint(row[column], 10, bits)
		errs = append(errs, err)
		return n
	}
	address, err := netip.ParseAddr(row[0])
	errs = append(errs, err)
	duid, err := unhex(row[1])
	errs = append(errs, err)
	relays, err := parseRelayInfo(strings.ReplaceAll(row[14], "&#x2c", ","))
	errs = append(errs, err)
	valid := number(2, 32)
	return KeaLease{
		Prefix:    netip.PrefixFrom(address, int(number(8, 8))),
		DUID:      duid,
		IAID:      uint32(number(7, 32)),
		Subnet:    uint32(number(4, 32)),
		Valid:     uint32(valid),
		Preferred: uint32(number(5, 32)),
		CLT:       time.Unix(int64(number(3, 63)-valid), 0),
		State:     KeaState(number(13, 8)),
		Relays:    relays,
	}, errors.Join(errs...)
}

// parseRelayInfo is the reverse of relayInfo.
func parseRelayInfo(context string) ([]binding.Relay, error) {
	if context == "" {
		return nil, nil
	}
	var c struct {
		ISC struct {
			RelayInfo []struct {
				Link, Peer netip.Addr
				Options    string
			} `json:"relay-info"`
		}
	}
	if err := json.Unmarshal([]byte(context), &c); err != nil {
		return nil, fmt.Errorf("user context: %w", err)
	}
	var relays []binding.Relay
	for _, hop := range c.ISC.RelayInfo {
		r := binding.Relay{Link: hop.Link, Peer: hop.Peer}
		if err := parseRelayOptions(hop.Options, &r); err != nil {
			return nil, err
		}
		relays = append(relays, r)
	}
	return relays, nil
}

// parseRelayOptions is the reverse of relayOptions.
func parseRelayOptions(options string, r *binding.Relay) error {
	b, err := unhex(options)
	if err != nil {
		return fmt.Errorf("relay options: %w", err)
	}
	for len(b) > 0 {
		if len(b) < 4 || len(b) < 4+int(binary.BigEndian.Uint16(b[2:])) {
			return errors.New("relay options: cut off")
		}
		end := 4 + int(binary.BigEndian.Uint16(b[2:]))
		switch value := b[4:end:end]; binary.BigEndian.Uint16(b) {
		case optionInterfaceID:
			r.InterfaceID = value
		case optionRemoteID:
			r.RemoteID = value
		case optionRelayID:
			r.RelayID = value
		}
		b = b[end:]
	}
	return nil
}
