package routes

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// A step is one write to the kernel.
type step uint8

const (
	nothing step = iota
	create       // fails with EEXIST if the prefix has a route of our metric
	replace      // takes the place of whatever has our metric
	touch        // rewrites the expiry of an identical route, in silence (DESIGN.md rule 9)
	remove       // only a route of our protocol
	again        // replaces an identical route, for those who listen; fails with ENOENT if there is none
)

// header returns the type and flags of a step's message. A create must be
// exclusive: NLM_F_CREATE alone adds a next hop to somebody's route.
func (s step) header() (kind, flags uint16) {
	switch s {
	case create:
		return unix.RTM_NEWROUTE, unix.NLM_F_CREATE | unix.NLM_F_EXCL
	case replace:
		return unix.RTM_NEWROUTE, unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	case touch:
		return unix.RTM_NEWROUTE, unix.NLM_F_CREATE
	case again:
		return unix.RTM_NEWROUTE, unix.NLM_F_REPLACE
	}
	return unix.RTM_DELROUTE, 0
}

// An encoder makes route messages: what they all share is encoded once.
type encoder struct {
	template []byte // header, rtmsg, RTA_TABLE
}

func newEncoder(table uint32, protocol uint8) encoder {
	b := appendHeader(nil, 0, 0, 0)
	short := uint8(unix.RT_TABLE_COMPAT)
	if table < 256 {
		short = uint8(table)
	}
	b = append(b, 0, 0, 0, 0, short, protocol, unix.RT_SCOPE_UNIVERSE, 0)
	b = native.AppendUint32(b, 0)
	return encoder{appendUint32(b, unix.RTA_TABLE, table)}
}

// append adds the message that does s to r. Table and protocol are always
// ours. A removal without a gateway takes all next hops of the route, one with
// a gateway only that next hop.
func (e *encoder) append(b []byte, s step, seq uint32, r *route) []byte {
	const family, bits, kindOf = unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN + 1, unix.NLMSG_HDRLEN + 7
	at := len(b)
	b = append(b, e.template...)
	m := b[at:]
	kind, flags := s.header()
	native.PutUint16(m[4:], kind)
	native.PutUint16(m[6:], flags|unix.NLM_F_REQUEST)
	native.PutUint32(m[8:], seq)
	m[family], m[bits] = unix.AF_INET6, uint8(r.prefix.Bits())
	if r.prefix.Addr().Is4() {
		m[family] = unix.AF_INET
	}
	b = appendAddress(b, unix.RTA_DST, r.prefix.Addr())
	b = appendUint32(b, unix.RTA_PRIORITY, r.metric)
	if s != remove {
		b[at+kindOf] = r.kind
	}
	return finish(r.appendNextHop(b), at)
}

func (r *route) appendNextHop(b []byte) []byte {
	if r.index != 0 {
		b = appendUint32(b, unix.RTA_OIF, uint32(r.index))
	}
	if r.gateway.IsValid() {
		b = appendAddress(b, unix.RTA_GATEWAY, r.gateway)
	}
	if r.expires > 0 {
		b = appendUint32(b, unix.RTA_EXPIRES, uint32((r.expires+time.Second-1)/time.Second))
	}
	return b
}

// appendAddress adds an attribute that is an address of either family.
func appendAddress(b []byte, kind uint16, a netip.Addr) []byte {
	if a.Is4() {
		v := a.As4()
		return appendAttribute(b, kind, v[:])
	}
	v := a.As16()
	b = native.AppendUint16(b, unix.SizeofRtAttr+16)
	b = native.AppendUint16(b, kind)
	return append(b, v[:]...)
}
