package lqserver

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// others returns the CLIENT_DATA that faults put beside that of the leases.
func (f *Faults) others(leases []Binding, now time.Time) [][]Binding {
	var others [][]Binding
	if f.Duplicate {
		others = append(others, leases)
	}
	if f.Contradict != NoContradiction {
		others = append(others, []Binding{contradict(leases[0], f.Contradict, now)})
	}
	return others
}

// relink does to the links of a finding what the faults want.
func (f *DatagramFaults) relink(found *finding, now time.Time) {
	if found.Status != iana.StatusSuccess {
		return
	}
	if f.Links > 0 && (f.LinkAgain || found.query.open()) {
		found.links = makeLinks(found, f.Links)
	}
	if len(found.links) == 0 {
		return
	}
	if f.OddLinks&LinkRepeated != 0 {
		found.links = slices.Repeat(found.links, 2)
	}
	if f.OddLinks&LinkUnspecified != 0 {
		found.links = slices.Insert(found.links, 0, netip.IPv6Unspecified())
	}
	switch {
	case !f.LinkData:
		found.leases = nil
	case found.leases == nil:
		found.leases = found.group(now)
	}
}

// makeLinks returns n link-addresses: those that were found, that of the lease
// that was found, then some that the server doesn't know.
func makeLinks(found *finding, n int) []netip.Addr {
	n = min(n, maxLinks/2) // they may be repeated
	links := slices.Clone(found.links)
	if len(found.leases) > 0 {
		if s := found.leases[0].segment(found.engine.store.Segments()); s.IsValid() {
			links = append(links, s.Addr())
		}
	}
	for i := len(links); i < n; i++ {
		links = append(links, netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, byte(i >> 8), byte(i)}))
	}
	return links[:n]
}

// of returns what is sent in the place of an answer.
func (i Instead) of(answer []byte) []byte {
	const header, size = 4, 65000
	noise := bytes.Repeat([]byte{0xa5}, 64)
	switch i {
	case InsteadTruncated:
		return answer[:len(answer)/2]
	case InsteadNoise:
		return append(answer[:header], noise...)
	case InsteadGarbage:
		return noise
	case InsteadQuery:
		answer[0] = byte(dhcpv6.MessageTypeLeaseQuery)
	case InsteadHuge:
		return pad(answer, 0, size)
	}
	return answer
}
