//go:build linux

package lab

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"leaseroute/binding"
)

// KeaState is the state that Kea keeps with a lease.
type KeaState uint8

// The states. A lease is live if it is assigned and has not run out: Kea
// leaves a lease that ran out assigned until it finds time to reclaim it.
const (
	KeaAssigned KeaState = iota
	KeaDeclined
	KeaReclaimed
	KeaReleased
)

// KeaForever is the lifetime of a lease that does not end.
const KeaForever = 0xffffffff

// A KeaLease is one line of Kea's lease file.
type KeaLease struct {
	Prefix    netip.Prefix // an IA_NA address has length 128; any other is an IA_PD prefix
	DUID      []byte
	IAID      uint32
	Subnet    uint32
	Valid     uint32 // lifetimes in seconds, as they were granted at CLT
	Preferred uint32
	CLT       time.Time // when the client last dealt with the server; in whole seconds
	State     KeaState
	Relays    []binding.Relay // the way of its last message, the relay nearest to the server first
}

// Live reports whether the client may use the lease at an instant.
func (l KeaLease) Live(now time.Time) bool {
	return l.State == KeaAssigned && (l.Valid == KeaForever || l.CLT.Add(time.Duration(l.Valid)*time.Second).After(now))
}

// DHCPv6 codes that the lease file uses.
const (
	leaseAddress = 0 // lease types
	leasePrefix  = 2

	optionInterfaceID = 18
	optionRemoteID    = 37
	optionRelayID     = 53
)

const keaHeader = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len," +
	"fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n"

// writeKeaLeases writes a lease file.
func writeKeaLeases(w io.Writer, leases []KeaLease) error {
	b := bufio.NewWriter(w)
	b.WriteString(keaHeader) // its errors, and those below, come out of Flush
	for _, l := range leases {
		kind := leasePrefix
		if l.Prefix.IsSingleIP() {
			kind = leaseAddress
		}
		clt := l.CLT.Unix()
		fmt.Fprintf(b, "%s,%s,%d,%d,%d,%d,%d,%d,%d,0,0,,,%d,%s,,,0\n",
			l.Prefix.Addr(), colons(l.DUID), l.Valid, clt+int64(l.Valid), l.Subnet, l.Preferred, kind, l.IAID,
			l.Prefix.Bits(), l.State, strings.ReplaceAll(relayInfo(l.Relays), ",", "&#x2c"))
	}
	return b.Flush()
}

// colons writes octets as Kea does: 00:03:00:01.
func colons(b []byte) string {
	var s strings.Builder
	for i, o := range b {
		if i > 0 {
			s.WriteByte(':')
		}
		fmt.Fprintf(&s, "%02x", o)
	}
	return s.String()
}

// relayInfo returns the user context that tells the relays, in JSON.
func relayInfo(relays []binding.Relay) string {
	if len(relays) == 0 {
		return ""
	}
	var hops []string
	for i, r := range relays {
		hop := fmt.Sprintf(`{ "hop": %d, "link": "%s", "options": "0x%x", "peer": "%s"`, i, r.Link, relayOptions(r), r.Peer)
		if r.RelayID != nil {
			hop += fmt.Sprintf(`, "relay-id": "%X"`, r.RelayID)
		}
		if r.RemoteID != nil {
			hop += fmt.Sprintf(`, "remote-id": "%X"`, r.RemoteID)
		}
		hops = append(hops, hop+" }")
	}
	return `{ "ISC": { "relay-info": [ ` + strings.Join(hops, ", ") + ` ] } }`
}

// relayOptions returns the relay's options as they were on the wire, without
// the relayed message.
func relayOptions(r binding.Relay) []byte {
	var b []byte
	for _, o := range []struct {
		code  uint16
		value []byte
	}{{optionInterfaceID, r.InterfaceID}, {optionRemoteID, r.RemoteID}, {optionRelayID, r.RelayID}} {
		if o.value == nil {
			continue
		}
		b = binary.BigEndian.AppendUint16(b, o.code)
		b = binary.BigEndian.AppendUint16(b, uint16(len(o.value)))
		b = append(b, o.value...)
	}
	return b
}

func unhex(s string) ([]byte, error) {
	return hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(s, "0x"), ":", ""))
}
