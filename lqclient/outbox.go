package lqclient

import (
	"context"
	"time"

	"leaseroute/binding"
)

// An outbox gathers observations in batches and hands these on, in order. Its
// methods return ctx's error if that ends before the receiver takes a batch.
type outbox struct {
	ctx   context.Context
	out   chan<- *binding.Batch
	batch *binding.Batch // being filled; nil: none
	begun int            // batches so far: tells whether memory of a batch is that of the present one
}

// open returns the batch that the next observation goes to.
func (b *outbox) open() *binding.Batch {
	if b.batch == nil {
		b.batch = binding.NewBatch()
		b.begun++
	}
	return b.batch
}

// add puts an observation, whose slices are the open batch's, behind the
// others.
func (b *outbox) add(o binding.Observation) error {
	batch := b.open()
	batch.Observations = append(batch.Observations, o)
	return b.handOn()
}

// handOn hands on a batch that is full.
func (b *outbox) handOn() error {
	if b.batch.Full() {
		return b.flush()
	}
	return nil
}

// mark hands on what there is, and behind it a mark.
func (b *outbox) mark(m binding.Mark, s binding.Server, scope binding.Interface) error {
	batch := b.open()
	batch.Mark, batch.Server, batch.Scope, batch.At = m, s, scope, time.Now()
	return b.flush()
}

// flush hands on what there is.
func (b *outbox) flush() error {
	if b.batch == nil {
		return nil
	}
	batch := b.batch
	b.batch = nil
	select {
	case b.out <- batch:
		return nil
	case <-b.ctx.Done():
		batch.Free()
		return b.ctx.Err()
	}
}
