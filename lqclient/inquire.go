package lqclient

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// maxInquiries bounds the clients that wait to be asked about. What comes
// beyond is counted: the next round tells of them anyway.
const maxInquiries = 1024

// inquiries are the clients to ask about, each once, oldest first.
type inquiries struct {
	mu      sync.Mutex
	waiting map[string]bool
	order   []string
}

// add takes in a client and reports whether there was room.
func (i *inquiries) add(client string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.waiting[client]:
		return true
	case len(i.order) >= maxInquiries:
		return false
	case i.waiting == nil:
		i.waiting = make(map[string]bool)
	}
	i.waiting[client] = true
	i.order = append(i.order, client)
	return true
}

// take returns the next client; false if none waits.
func (i *inquiries) take() (string, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.order) == 0 {
		return "", false
	}
	client := i.order[0]
	i.order = i.order[1:]
	delete(i.waiting, client)
	return client, true
}

// Inquire asks the server, when its turn comes, about all leases of a client,
// of whom something was seen that can't be learnt from. It never blocks, and
// copies the DUID.
func (r *Requestor) Inquire(client []byte) {
	if !r.inquiries.add(string(client)) {
		count(&r.notes.counters.InquiriesDropped)
		return
	}
	r.Settle()
}

// inquire asks about the clients that wait, at the rate of suspects. It stops
// early when a round is asked for, like settle.
func (r *Requestor) inquire(ctx context.Context, by questioner) error {
	for !r.requests.waiting() {
		client, ok := r.inquiries.take()
		if !ok {
			return nil
		}
		if err := r.askClient(ctx, by, client); err != nil {
			r.inquiries.add(client)
			return err
		}
	}
	return nil
}

// askClient asks about one client. A server that can't tell is not asked
// again: its next round will.
func (r *Requestor) askClient(ctx context.Context, by questioner, client string) error {
	q := wire.Query{Type: wire.ByClientID, ClientID: []byte(client)}
	if _, refused := r.refusals.of(q); refused || q.Validate() != nil {
		return nil
	}
	if err := r.pace.Wait(ctx); err != nil {
		return err
	}
	r.board.change(func(s *Status) { s.Query = fmt.Sprintf("client %x", client) })
	count(&r.notes.counters.ClientsAsked)
	_, err := by.ask(ctx, q, r.decoder(ctx, binding.FromLookup))
	var status *StatusError
	switch {
	case err == nil:
		r.backoff.reset()
		return nil
	case errors.Is(err, ErrIncomplete) || !errors.As(err, &status) || status.Code == iana.StatusQueryTerminated:
		return fmt.Errorf("question about client %x: %w", client, err)
	case refusesKind(status):
		_ = r.refuse(q, status)
	}
	return nil
}
