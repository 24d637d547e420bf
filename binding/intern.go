package binding

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// A client is what the table knows of a client, whose DUID it keeps once.
type client struct {
	prefixes  uint32 // head of the chain of its delegated prefixes: the seated ones first
	addresses uint32 // head of the chain of its addresses
	holders   uint32 // records and events that name it; 0: the slot is free
	duid      uint32 // in the arena
}

// clients interns DUIDs. A DUID lives as long as something holds it.
type clients struct {
	slab  slab[client]
	index index
	duids arena
	seed  maphash.Seed
	live  int
}

func (c *clients) init() {
	c.seed = maphash.MakeSeed()
	c.index.hash = func(id uint32) uint64 { return c.hash(c.duid(id)) }
	c.index.each = func(yield func(uint32)) {
		for id := uint32(1); id <= c.slab.used; id++ {
			if c.slab.at(id).holders != 0 {
				yield(id)
			}
		}
	}
}

func (c *clients) hash(duid []byte) uint64 { return maphash.Bytes(c.seed, duid) }

// hold returns the number of a DUID, not 0, and holds it once more.
func (c *clients) hold(duid []byte) uint32 {
	hash := c.hash(duid)
	id := c.index.find(hash, func(id uint32) bool { return bytes.Equal(c.duid(id), duid) })
	if id == 0 {
		id = c.slab.alloc()
		*c.slab.at(id) = client{holders: 1, duid: c.duids.add(duid)}
		c.index.insert(hash, id)
		c.live++
		return id
	}
	c.slab.at(id).holders++
	return id
}

// holdID holds a DUID, by number, once more; 0 is nobody.
func (c *clients) holdID(id uint32) {
	if id != 0 {
		c.slab.at(id).holders++
	}
}

func (c *clients) release(id uint32) {
	if id == 0 {
		return
	}
	e := c.slab.at(id)
	if e.holders--; e.holders > 0 {
		return
	}
	c.index.remove(c.index.hash(id), id)
	c.duids.remove(e.duid)
	c.slab.release(id)
	c.live--
}

// duid returns the DUID in the table's own memory; nil for nobody.
func (c *clients) duid(id uint32) []byte {
	if id == 0 {
		return nil
	}
	return c.duids.get(c.slab.at(id).duid)
}

// An arena keeps short byte strings: a length octet and the octets, rounded up
// to words. What is given back is used again for strings of that size.
type arena struct {
	chunks [][]byte
	used   int                       // octets of the last chunk
	free   [256/arenaWord + 1]uint32 // first free block by words; each holds the number of the next
}

const (
	arenaWord  = 4
	arenaChunk = 1 << 16 // octets
	arenaSlots = arenaChunk / arenaWord
)

// add copies p, of at most 255 octets, and returns where it is; never 0.
func (a *arena) add(p []byte) uint32 {
	at := a.alloc(words(len(p)))
	b := a.block(at)
	b[0] = byte(len(p))
	copy(b[1:], p)
	return at
}

func (a *arena) get(at uint32) []byte {
	b := a.block(at)
	return b[1 : 1+int(b[0]) : 1+int(b[0])]
}

func (a *arena) remove(at uint32) {
	b := a.block(at)
	n := words(int(b[0]))
	binary.NativeEndian.PutUint32(b, a.free[n])
	a.free[n] = at
}

func words(n int) int { return (1 + n + arenaWord - 1) / arenaWord }

// block returns the memory from a block's start to its chunk's end.
func (a *arena) block(at uint32) []byte {
	return a.chunks[at/arenaSlots][at%arenaSlots*arenaWord:]
}

func (a *arena) alloc(n int) uint32 {
	if at := a.free[n]; at != 0 {
		a.free[n] = binary.NativeEndian.Uint32(a.block(at))
		return at
	}
	if len(a.chunks) == 0 || a.used+n*arenaWord > arenaChunk {
		a.chunks = append(a.chunks, make([]byte, arenaChunk))
		a.used = 0
		if len(a.chunks) == 1 {
			a.used = arenaWord // block 0 stands for "none"
		}
	}
	at := (len(a.chunks)-1)*arenaSlots + a.used/arenaWord
	a.used += n * arenaWord
	return uint32(at)
}
