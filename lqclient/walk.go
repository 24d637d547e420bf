package lqclient

import (
	"encoding/hex"
	"math"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/lqclient/wire"
)

// A visitor is shown what an answer holds. The pointers are valid only during
// the call; an error ends the query.
type visitor interface {
	client(Part, *wire.ClientData) // a client data begins
	lease(Part, *wire.ClientData, *wire.Lease) error
}

// A walker goes through the leases of an answer, and skips and counts what is
// to be skipped. Its fields keep the walk from allocating.
type walker struct {
	sequenceOption uint16
	notes          *notes
	visitor        visitor
	skipped        bool // something was

	data  wire.ClientData
	made  time.Time // of the client data: its lifetimes count from then
	clt   uint32    // how many seconds before that the client dealt with the server
	found wire.Lease
}

// message visits the leases of one message.
func (w *walker) message(p Part) error {
	for at := 0; ; {
		value, next, ok := p.NextClientData(at)
		if !ok {
			return nil
		}
		if w.open(p, value) {
			if err := w.leases(p); err != nil {
				return err
			}
		}
		at = next
	}
}

// open decodes one OPTION_CLIENT_DATA and reports whether it is of use. If it
// is not, its neighbours still are (R33, R35, R36).
func (w *walker) open(p Part, value []byte) bool {
	counters := &w.notes.counters
	var err error
	w.data, err = wire.ParseClientData(value, w.sequenceOption)
	switch {
	case err != nil:
		w.notes.odd(&counters.MalformedClientData, "malformed client data skipped", logrus.Fields{"error": err})
	case !w.data.HasCLT:
		count(&counters.NoCLT) // silently: RFC 5007, section 4.3.3
	case w.data.ClientID == nil:
		w.notes.odd(&counters.NoClientID, "client data without client-id skipped", nil)
	default:
		w.data.Inherit(p.Message)
		w.made, w.clt = w.timeline(p)
		return true
	}
	w.skipped = true
	return false
}

// absoluteSince is where a CLT_TIME stops being an age, of 31 years: it is a
// date. ISC dhcpd sends Unix time, and lifetimes as they were granted (PEERS.md
// 4). No age comes near that, so that no key has to say which server does so.
const absoluteSince = 1_000_000_000

// timeline returns from when the lifetimes of the open client data count, and
// how long before that the client was heard. A date in the future is now.
func (w *walker) timeline(p Part) (made time.Time, clt uint32) {
	made, clt = p.Made(&w.data.Stamp), w.data.CLT
	if clt < absoluteSince || clt == math.MaxUint32 {
		return made, clt
	}
	count(&w.notes.counters.AbsoluteTimes)
	ago := max(made.Unix()-int64(clt), 0)
	return made.Add(-time.Duration(ago) * time.Second), 0
}

// leases visits the leases of the client data that is open.
func (w *walker) leases(p Part) error {
	counters := &w.notes.counters
	w.visitor.client(p, &w.data)
	for at, some := 0, false; ; some = true {
		lease, next, ok, err := w.data.NextLease(at)
		switch {
		case !ok && !some:
			w.skipped = true
			w.notes.odd(&counters.NoLease, "client data without a lease skipped", w.whose(nil))
			return nil
		case !ok:
			return nil
		case err != nil: // R37
			w.skipped = true
			w.notes.odd(&counters.MalformedLeases, "malformed lease skipped", w.whose(err))
		default:
			w.found = lease
			count(&counters.Bindings)
			if lease.HostBits {
				w.notes.odd(&counters.HostBits, "host bits cleared", logrus.Fields{"prefix": lease.Prefix})
			}
			if err := w.visitor.lease(p, &w.data, &w.found); err != nil {
				return err
			}
		}
		at = next
	}
}

// whose names the client of the open client data for the log, beside an error.
func (w *walker) whose(err error) logrus.Fields {
	fields := logrus.Fields{"duid": hex.EncodeToString(w.data.ClientID)}
	if err != nil {
		fields["error"] = err
	}
	return fields
}
