package routes

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Describe says in an operator's words what the kernel does with packets to
// p's last address, such as "2001:db8:8000:100::/56 via fe80::2 dev acc0 proto
// 158 metric 1024 expires 59m0s". It asks in the caller's network namespace;
// table is the one that needs no mention.
func Describe(table uint32, p netip.Prefix) (string, error) {
	if !p.IsValid() {
		return "", errors.New("describe a route: no prefix")
	}
	s, err := openSocket()
	if err != nil {
		return "", fmt.Errorf("describe a route: %w", err)
	}
	defer s.close()
	s.out = appendLookup(s.out[:0], s.seq, last(p))
	if err := s.send(); err != nil {
		return "", fmt.Errorf("describe a route: %w", err)
	}
	b, err := s.receive()
	if err != nil {
		return "", fmt.Errorf("describe a route: %w", err)
	}
	return describeAnswer(b, table)
}

// describeAnswer puts the kernel's answer to a lookup into words.
func describeAnswer(b []byte, table uint32) (string, error) {
	m, _, err := nextMessage(b)
	if err != nil {
		return "", err
	}
	if m.kind == unix.RTM_NEWROUTE {
		r, err := parseRoute(m.payload)
		return r.words(table), err
	}
	answer, err := parseAnswer(m)
	if err != nil {
		return "", err
	}
	switch answer.errno {
	case unix.EINVAL: // what a blackhole route does to a lookup
		return "a blackhole route drops it", nil
	case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EACCES:
		return "no route", nil
	}
	return "", &answer
}

// words renders r as iproute2 would.
func (r *route) words(table uint32) string {
	var b strings.Builder
	b.WriteString(r.prefix.String())
	if r.gateway.IsValid() {
		fmt.Fprintf(&b, " via %s", r.gateway)
	}
	if r.index != 0 {
		fmt.Fprintf(&b, " dev %s", deviceName(r.index))
	}
	fmt.Fprintf(&b, " proto %d metric %d", r.protocol, r.metric)
	if r.table != table {
		fmt.Fprintf(&b, " table %d", r.table)
	}
	if r.expires > 0 {
		fmt.Fprintf(&b, " expires %s", r.expires.Round(time.Second))
	}
	return b.String()
}

// deviceName returns an interface's name, its number if it is gone.
func deviceName(index int32) string {
	i, err := net.InterfaceByIndex(int(index))
	if err != nil {
		return fmt.Sprintf("#%d", index)
	}
	return i.Name
}
