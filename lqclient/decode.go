package lqclient

import (
	"net/netip"
	"sync/atomic"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// A decoder turns the answer to one query into observations: it is the query's
// sink. In steady state it allocates nothing.
type decoder struct {
	options *Options
	server  binding.Server
	source  binding.Source
	notes   *notes
	total   *atomic.Uint64             // counts the observations of several answers; may be nil
	heed    func(*binding.Observation) // is told of each lease, and keeps nothing; may be nil

	walker  walker
	box     outbox
	found   uint64              // observations so far
	subject binding.Observation // what all leases of the present client data have in common
	relays  []binding.Relay     // reused

	clientDUID, serverDUID []byte // as they are in batch number copied
	copied                 int
}

// newDecoder returns the decoder of an answer that comes by way of source.
// Batches go to box.
func newDecoder(o *Options, s *Server, source binding.Source, n *notes, box outbox) *decoder {
	d := &decoder{options: o, server: s.Number, source: source, notes: n, box: box}
	d.walker = walker{sequenceOption: s.SequenceOption, notes: n, visitor: d}
	return d
}

// take decodes one message.
func (d *decoder) take(p Part) error { return d.walker.message(p) }

// flush hands on the observations gathered so far.
func (d *decoder) flush() error { return d.box.flush() }

// client notes what the client data says apart from its leases.
func (d *decoder) client(p Part, c *wire.ClientData) {
	d.subject = binding.Observation{
		Source:      d.source,
		Server:      d.server,
		Sequence:    c.Sequence, // the message's own at most, never the REPLY's (R81)
		HasSequence: c.HasSequence,
		Sequence32:  c.Sequence32,
		Received:    p.Received,
		CLT:         wire.LastTransaction(d.walker.made, d.walker.clt),
	}
	d.subject.Interface, d.subject.NextHop = d.locate(c.RelayData)
}

// locate says where the client is, by the relays that its message passed. An
// error in there never costs the binding: what could be read counts (PEERS.md
// 2, fact 7).
func (d *decoder) locate(relayData []byte) (binding.Interface, netip.Addr) {
	if relayData == nil {
		count(&d.notes.counters.NoRelayData)
		return 0, netip.Addr{}
	}
	var err error
	if _, d.relays, err = wire.ParseRelayData(relayData, d.relays[:0]); err != nil {
		d.notes.odd(&d.notes.counters.RelayDataErrors, "relay data is malformed", logrus.Fields{"error": err})
	}
	if len(d.relays) == 0 || d.options.Resolve == nil {
		return 0, netip.Addr{}
	}
	return d.options.Resolve(d.relays)
}

// lease makes an observation of one lease. The DUIDs are copied once a batch
// as long as they stay the same, as the server's does.
func (d *decoder) lease(p Part, c *wire.ClientData, l *wire.Lease) error {
	batch := d.box.open()
	batch.Observations = append(batch.Observations, d.subject)
	o := &batch.Observations[len(batch.Observations)-1]
	d.state(o, l, d.walker.made, d.walker.clt)
	if d.copied != d.box.begun {
		d.copied, d.clientDUID, d.serverDUID = d.box.begun, nil, batch.Bytes(p.ServerDUID)
	}
	if string(d.clientDUID) != string(c.ClientID) {
		d.clientDUID = batch.Bytes(c.ClientID)
	}
	o.ServerDUID, o.Client = d.serverDUID, d.clientDUID
	if d.heed != nil {
		d.heed(o)
	}
	d.found++
	if d.total != nil {
		d.total.Add(1)
	}
	return d.box.handOn()
}
