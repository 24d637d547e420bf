package lqserver

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
)

// Find implements Store. Only by relay-id and by link-address does it look at
// more than one client.
func (g *Generated) Find(m Match) Cursor {
	c := &generatedCursor{from: g, end: g.plan.Clients}
	switch m.Type {
	case ByAddress:
		c.only(g.holder(m.Address))
	case ByClientID:
		c.only(numberOf(m.Client))
	case ByRemoteID:
		c.only(g.remoteNumber(m.RemoteID))
	}
	return c
}

// holder returns which client would hold the address, if one does.
func (g *Generated) holder(a netip.Addr) int {
	for _, s := range g.segments {
		if o := a.As16(); s.Contains(a) {
			return int(o[10])<<24 | int(o[13])<<16 | int(o[14])<<8 | int(o[15])
		}
	}
	slot := g.plan.slotOf(a)
	if slot >= g.plan.Clients {
		return (slot - g.plan.Clients) * g.plan.ExtraEvery
	}
	return slot
}

// numberOf returns which client would have that DUID.
func numberOf(duid []byte) int {
	if len(duid) != 10 {
		return -1
	}
	return int(binary.BigEndian.Uint32(duid[6:]))
}

// remoteNumber returns which client would have that remote-id.
func (g *Generated) remoteNumber(remote []byte) int {
	_, digits, _ := bytes.Cut(remote, []byte("sub-"))
	i, err := strconv.Atoi(string(digits))
	if err != nil {
		return -1
	}
	return i
}

// A generatedCursor steps through clients begin to end, and the leases of each.
type generatedCursor struct {
	from       *Generated
	begin, end int
	kind       int
	at         int // the client of begin, in the shuffled order
}

// only restricts the cursor to one client; a number that none has finds
// nothing.
func (c *generatedCursor) only(i int) {
	c.begin, c.end, c.at = 0, 1, i
	if i < 0 || i >= c.from.plan.Clients {
		c.end = 0
	}
}

// Next implements Cursor.
func (c *generatedCursor) Next(b *Binding) bool {
	for c.begin < c.end {
		i, kind := c.at, c.kind
		if c.kind++; c.kind == kinds {
			c.kind = 0
			c.begin++
			c.at = (c.at + c.from.stride) % c.from.plan.Clients
		}
		if c.from.has(i, kind) {
			c.from.fill(b, i, kind)
			return true
		}
	}
	return false
}
