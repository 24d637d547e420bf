package binding

import "sync"

// BatchSize is the number of observations after which a sender hands a batch
// on. Smaller ones are sent when the sender would otherwise wait.
const BatchSize = 256

var batches = sync.Pool{New: func() any {
	return &Batch{Observations: make([]Observation, 0, BatchSize), arena: make([]byte, 0, 16<<10)}
}}

// NewBatch returns an empty batch.
func NewBatch() *Batch {
	return batches.Get().(*Batch)
}

// Free gives the batch back: neither it nor anything in it may be used again.
func (b *Batch) Free() {
	clear(b.Observations)
	*b = Batch{Observations: b.Observations[:0], arena: b.arena[:0]}
	batches.Put(b)
}

// Full reports whether the batch should be handed on.
func (b *Batch) Full() bool { return len(b.Observations) >= BatchSize }

// Bytes copies p into memory that lives as long as the batch, and returns the
// copy: nil for an empty p.
func (b *Batch) Bytes(p []byte) []byte {
	if len(p) == 0 {
		return nil
	}
	at := len(b.arena)
	b.arena = append(b.arena, p...)
	return b.arena[at:len(b.arena):len(b.arena)]
}
