package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"leaseroute/binding"
	"leaseroute/lqclient"
)

// answer is one lease as query prints it.
type answer struct {
	Prefix    string   `json:"prefix"`
	Kind      string   `json:"kind"`
	Client    string   `json:"client_duid"`
	Valid     *float64 `json:"valid_seconds"`     // null: for ever
	Preferred *float64 `json:"preferred_seconds"` // null: for ever
	Age       float64  `json:"clt_age_seconds"`
	Doubtful  bool     `json:"doubtful"` // the age is not below the valid lifetime
	Server    string   `json:"server_duid"`
	Sequence  *uint64  `json:"sequence_number"`
	Relays    []relay  `json:"relays"` // the one nearest to the server first
}

// relay is one layer of the relay data.
type relay struct {
	Link        string `json:"link_address"`
	Peer        string `json:"peer_address"`
	InterfaceID string `json:"interface_id"`
	RelayID     string `json:"relay_id"`
	RemoteID    string `json:"remote_id"`
}

func newAnswer(a lqclient.Answered) answer {
	out := answer{
		Prefix: a.Key.Prefix.String(), Kind: a.Key.Kind.String(), Client: hexColons(a.Client),
		Valid: lifetimeSeconds(a.Valid), Preferred: lifetimeSeconds(a.Preferred), Age: a.Age.Seconds(),
		Doubtful: a.Doubtful, Server: hexColons(a.ServerDUID), Relays: []relay{},
	}
	if a.HasSequence {
		out.Sequence = &a.Sequence
	}
	for _, r := range a.Relays {
		out.Relays = append(out.Relays, relay{
			Link: addr(r.Link), Peer: addr(r.Peer),
			InterfaceID: readable(r.InterfaceID), RelayID: hexColons(r.RelayID), RemoteID: remoteID(r),
		})
	}
	return out
}

func lifetimeSeconds(d time.Duration) *float64 {
	if d == lqclient.Infinite {
		return nil
	}
	s := d.Seconds()
	return &s
}

func addr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// remoteID shows a remote-id as the configuration writes it.
func remoteID(r binding.Relay) string {
	if len(r.RemoteID) < 5 {
		return hexColons(r.RemoteID)
	}
	e := uint32(r.RemoteID[0])<<24 | uint32(r.RemoteID[1])<<16 | uint32(r.RemoteID[2])<<8 | uint32(r.RemoteID[3])
	return fmt.Sprintf("%d:%s", e, readable(r.RemoteID[4:]))
}

// readable is text if it is printable ASCII, else hex with 0x in front.
func readable(b []byte) string {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return "0x" + hex.EncodeToString(b)
		}
	}
	return string(b)
}

// hexColons is octets in hex, with colons.
func hexColons(b []byte) string {
	out := make([]string, len(b))
	for i, c := range b {
		out[i] = fmt.Sprintf("%02x", c)
	}
	return strings.Join(out, ":")
}

// answerPrinter prints leases as they come in: JSON at once, a table as soon as
// its columns are settled, so that an answer of any length needs little memory.
type answerPrinter struct {
	json  *json.Encoder // nil: a table
	table *table
}

func newAnswerPrinter(w io.Writer, asJSON bool) *answerPrinter {
	if asJSON {
		return &answerPrinter{json: json.NewEncoder(w)}
	}
	return &answerPrinter{table: newTable(w, "prefix", "valid for", "client heard", "client", "peer", "link", "note")}
}

func (p *answerPrinter) lease(a lqclient.Answered) error {
	v := newAnswer(a)
	if p.json != nil {
		return p.json.Encode(v)
	}
	var peer, link string
	if n := len(v.Relays); n > 0 {
		peer, link = v.Relays[n-1].Peer, v.Relays[0].Link
	}
	return p.table.row(v.Prefix, validText(a.Valid), a.Age.String()+" ago", v.Client, dash(peer), dash(link), note(a))
}

// validText says how long a lease holds.
func validText(d time.Duration) string {
	switch d {
	case lqclient.Infinite:
		return "ever"
	case 0:
		return "no longer"
	}
	return d.String()
}

// note says what is odd about a lease.
func note(a lqclient.Answered) string {
	switch {
	case a.RelayError != nil:
		return a.RelayError.Error()
	case a.Doubtful:
		return "doubtful: not heard for longer than it is valid"
	}
	return ""
}

func (p *answerPrinter) flush() error {
	if p.table == nil || len(p.table.first) == 0 {
		return nil
	}
	return p.table.flush()
}
