package wire

import (
	"fmt"
	"strings"

	"leaseroute/binding"
)

// describe renders all that a message says, one line for each thing in it.
// Errors are at the end of the line that they belong to.
func describe(frame []byte, sequenceOption uint16) string {
	m, err := Parse(frame, sequenceOption)
	if err != nil {
		return err.Error()
	}
	lines := []string{describeTop(&m)}
	if m.HasClientLink {
		links, err := m.ClientLinks(nil)
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("links %v %s", links, text(err))))
	}
	for at := 0; ; {
		value, next, ok := m.NextClientData(at)
		if !ok {
			return strings.Join(lines, "\n")
		}
		at = next
		lines = append(lines, describeClient(&m, value, sequenceOption)...)
	}
}

func describeTop(m *Message) string {
	s := fmt.Sprintf("%s %s", m.Type, m.ID)
	if m.ClientID != nil {
		s += fmt.Sprintf(" to %x", m.ClientID)
	}
	if m.ServerID != nil {
		s += fmt.Sprintf(" from %x", m.ServerID)
	}
	if m.HasStatus {
		s += fmt.Sprintf(" %s %q", m.Status, m.StatusText)
	}
	return s + describeStamp(&m.Stamp)
}

func describeStamp(s *Stamp) (text string) {
	if s.HasBaseTime {
		text += fmt.Sprintf(" base %d", s.BaseTime)
	}
	if s.HasSequence {
		text += fmt.Sprintf(" sequence %d", s.Sequence)
	}
	if s.Sequence32 {
		text += " (32)"
	}
	if s.Unusable > 0 {
		text += fmt.Sprintf(" unusable %d", s.Unusable)
	}
	return text
}

func describeClient(m *Message, value []byte, sequenceOption uint16) []string {
	c, err := ParseClientData(value, sequenceOption)
	if err != nil {
		return []string{"client " + err.Error()}
	}
	c.Inherit(m)
	first := fmt.Sprintf("client %x", c.ClientID)
	if c.HasCLT {
		first += fmt.Sprintf(" clt %d", c.CLT)
	}
	lines := append([]string{first + describeStamp(&c.Stamp)}, describeLeases(&c)...)
	if c.RelayData == nil {
		return lines
	}
	peer, relays, err := ParseRelayData(c.RelayData, nil)
	lines = append(lines, strings.TrimSpace(fmt.Sprintf("heard from %s %s", peer, text(err))))
	return append(lines, describeRelays(relays)...)
}

func describeLeases(c *ClientData) (lines []string) {
	for at := 0; ; {
		l, next, ok, err := c.NextLease(at)
		switch {
		case !ok:
			return lines
		case err != nil:
			lines = append(lines, "lease "+err.Error())
		case l.Delegated:
			lines = append(lines, fmt.Sprintf("prefix %s %d/%d", l.Prefix, l.Preferred, l.Valid))
		default:
			lines = append(lines, fmt.Sprintf("address %s %d/%d", l.Prefix.Addr(), l.Preferred, l.Valid))
		}
		at = next
	}
}

func describeRelays(relays []binding.Relay) (lines []string) {
	for _, r := range relays {
		s := fmt.Sprintf("relay link %s peer %s", r.Link, r.Peer)
		if r.InterfaceID != nil {
			s += fmt.Sprintf(" interface-id %x", r.InterfaceID)
		}
		if r.RelayID != nil {
			s += fmt.Sprintf(" relay-id %x", r.RelayID)
		}
		if r.RemoteID != nil {
			s += fmt.Sprintf(" remote-id %x", r.RemoteID)
		}
		lines = append(lines, s)
	}
	return lines
}

// text is the message of an error, empty for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
