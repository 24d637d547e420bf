package gleaner

import "context"

const (
	// packetRoom is the longest packet that is read: what an IPv6 length can
	// say, and the headers (ONDEMAND.md 6: the kernel merges segments).
	packetRoom = 64<<10 + header6
	// chunkSize leaves room for some hundreds of messages of the usual size.
	chunkSize = 2 * packetRoom
	// chunkCount bounds what waits for the decoder.
	chunkCount = 16
)

// A chunk is a run of packets on their way from the reader to the decoder.
type chunk struct {
	packets []packet
	data    []byte // in which the packets are
}

// room returns where the next packet may be written to, nil if the chunk is
// full.
func (c *chunk) room() []byte {
	if cap(c.data)-len(c.data) < packetRoom {
		return nil
	}
	return c.data[len(c.data) : len(c.data)+packetRoom]
}

// add takes in a packet whose data was written to the first octets of room.
func (c *chunk) add(p packet) {
	c.data = c.data[:len(c.data)+len(p.data)]
	c.packets = append(c.packets, p)
}

// chunks is the bounded way from the reader to the decoder, and back for the
// chunks. A reader that finds no free one waits; the kernel keeps its packets
// meanwhile, and counts what it has no room for.
type chunks struct {
	free, full chan *chunk
	stats      *counters
}

func newChunks(stats *counters) *chunks {
	c := &chunks{free: make(chan *chunk, chunkCount), full: make(chan *chunk, chunkCount), stats: stats}
	for range chunkCount {
		c.free <- &chunk{data: make([]byte, 0, chunkSize)}
	}
	return c
}

// take returns an empty chunk, or nil once ctx has ended.
func (c *chunks) take(ctx context.Context) *chunk {
	select {
	case k := <-c.free:
		return k
	default:
	}
	c.stats.count(queueFull)
	select {
	case k := <-c.free:
		return k
	case <-ctx.Done():
		return nil
	}
}

// give hands a chunk to the decoder. There is room for all of them.
func (c *chunks) give(k *chunk) { c.full <- k }

// put makes a chunk free again.
func (c *chunks) put(k *chunk) {
	k.packets, k.data = k.packets[:0], k.data[:0]
	c.free <- k
}
