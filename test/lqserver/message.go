package lqserver

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// maxMessage is the largest message-size (RFC 5460, section 5.1).
const maxMessage = 65535

// A message is one of an answer. Its kind decides what it may hold (S27).
type message struct {
	kind     Messages // one of Replies, Data, Dones
	id       [3]byte
	identity []byte // SERVERID and CLIENTID, encoded; only in a REPLY
	status   iana.StatusCode
	text     string // of the status; with neither there is no status option
	sequence []byte // the sequence number option, encoded; may be empty
	baseTime bool
	leases   []Binding // of one client and link; empty: no CLIENT_DATA

	// Over UDP alone:
	others    [][]Binding  // further CLIENT_DATA, which only faults send (S18)
	links     []netip.Addr // OPTION_LQ_CLIENT_LINK (S17); empty: none
	dataAhead bool         // Manner.DataAhead
}

// appendFrame appends the message with its framing (RFC 5460, section 5.1).
func (m *message) appendFrame(b []byte, now time.Time, s *style) []byte {
	start := len(b)
	b = m.append(append(b, 0, 0), now, s)
	sealFrame(b, start)
	return b
}

// append appends the message as UDP carries it (RFC 8415, section 8).
func (m *message) append(b []byte, now time.Time, s *style) []byte {
	b = append(b, m.kind.messageType(), m.id[0], m.id[1], m.id[2])
	if m.dataAhead {
		b = m.appendData(b, now, s)
	}
	b = append(b, m.identity...)
	if m.status != iana.StatusSuccess || m.text != "" {
		b = appendStatus(b, m.status, m.text)
	}
	b = append(b, m.sequence...)
	if m.baseTime {
		b = appendUint32Option(b, dhcpv6.OptionLQBaseTime, seconds(now.Sub(time2000)))
	}
	if !m.dataAhead {
		b = m.appendData(b, now, s)
	}
	return b
}

// appendData appends what the query found.
func (m *message) appendData(b []byte, now time.Time, s *style) []byte {
	if len(m.leases) > 0 {
		b = appendClientData(b, m.leases, now, s)
	}
	for _, leases := range m.others {
		b = appendClientData(b, leases, now, s)
	}
	if s.relaysOutside && len(m.leases) > 0 {
		b = appendRelayDataOf(b, newestOf(m.leases), s)
	}
	if len(m.links) > 0 {
		b = appendClientLink(b, m.links)
	}
	return b
}

// sealFrame writes the message-size of the frame at start.
func sealFrame(b []byte, start int) {
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start-2))
}

// padFrame makes the frame at start as large as a frame can be.
func padFrame(b []byte, start int) []byte {
	b = pad(b, start+2, maxMessage)
	sealFrame(b, start)
	return b
}

// pad makes the message at start so many octets long, by an option that nobody
// knows. One that is already longer stays as it is.
func pad(b []byte, start, size int) []byte {
	const unknown = 65533
	room := size - (len(b) - start) - 4
	if room < 0 {
		return b
	}
	return appendOption(b, unknown, make([]byte, room))
}

func (k Messages) messageType() byte {
	switch k {
	case Replies:
		return byte(dhcpv6.MessageTypeLeaseQueryReply)
	case Data:
		return byte(dhcpv6.MessageTypeLeaseQueryData)
	default:
		return byte(dhcpv6.MessageTypeLeaseQueryDone)
	}
}
