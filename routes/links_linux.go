package routes

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// rtextSkipStats asks for interfaces without their counters (linux/rtnetlink.h,
// RTEXT_FILTER_SKIP_STATS).
const rtextSkipStats = 1 << 3

// Refresh lists interfaces and addresses in the caller's network namespace and
// publishes a new snapshot. After an error the last one stays.
func (l *Links) Refresh() error {
	s, err := openSocket()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	defer s.close()
	return l.refresh(s)
}

// refresh is Refresh in the namespace of s. If the kernel's lists change while
// they are read, the monitor will say so, and they are read again.
func (l *Links) refresh(s *socket) error {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	devices, err := s.devices()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	addresses, err := s.addresses()
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.Store(l.build(devices, addresses))
	return nil
}

// devices lists all interfaces.
func (s *socket) devices() (out []device, err error) {
	err = s.list(appendLinkList(nil), func(b []byte) error {
		return each(b, func(m message) error {
			if m.kind != unix.RTM_NEWLINK {
				return nil
			}
			d, err := parseLink(m.payload)
			out = append(out, d)
			return err
		})
	})
	return out, settled(err)
}

// addresses lists the global and link-local addresses of all interfaces.
func (s *socket) addresses() (out []address, err error) {
	err = s.list(appendAddressList(nil), func(b []byte) error {
		return each(b, func(m message) error {
			if m.kind != unix.RTM_NEWADDR {
				return nil
			}
			a, usable, err := parseAddress(m.payload)
			if usable {
				out = append(out, a)
			}
			return err
		})
	})
	return out, settled(err)
}

// settled forgives an interrupted list where a notification follows.
func settled(err error) error {
	if errors.Is(err, ErrDumpInterrupted) {
		return nil
	}
	return err
}

func appendLinkList(b []byte) []byte {
	at := len(b)
	b = appendHeader(b, unix.RTM_GETLINK, unix.NLM_F_DUMP, 0)
	b = append(b, make([]byte, unix.SizeofIfInfomsg)...)
	return finish(appendUint32(b, unix.IFLA_EXT_MASK, rtextSkipStats), at)
}

func appendAddressList(b []byte) []byte {
	at := len(b)
	b = appendHeader(b, unix.RTM_GETADDR, unix.NLM_F_DUMP, 0)
	return finish(append(b, unix.AF_INET6, 0, 0, 0, 0, 0, 0, 0), at)
}

// parseLink decodes the payload of an RTM_NEWLINK or RTM_DELLINK. The error
// wraps errTruncated.
func parseLink(b []byte) (device, error) {
	if len(b) < unix.SizeofIfInfomsg {
		return device{}, fmt.Errorf("interface of %d octets: %w", len(b), errTruncated)
	}
	flags := native.Uint32(b[8:])
	d := device{
		index:        int32(native.Uint32(b[4:])),
		adminUp:      flags&unix.IFF_UP != 0,
		up:           flags&unix.IFF_UP != 0 && flags&unix.IFF_RUNNING != 0,
		pointToPoint: flags&unix.IFF_POINTOPOINT != 0,
	}
	for rest := b[unix.SizeofIfInfomsg:]; len(rest) > 0; {
		kind, value, next, err := nextAttribute(rest)
		if err != nil {
			return device{}, err
		}
		if kind == unix.IFLA_IFNAME {
			d.name = unix.ByteSliceToString(value)
		}
		rest = next
	}
	return d, nil
}

// parseAddress decodes the payload of an RTM_NEWADDR or RTM_DELADDR. Usable is
// false for one that is neither global nor link-local, or that another host
// turned out to have.
// The error wraps errTruncated.
func parseAddress(b []byte) (a address, usable bool, err error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return a, false, fmt.Errorf("address of %d octets: %w", len(b), errTruncated)
	}
	bits, flags, scope := int(b[1]), b[2], b[3]
	a.index = int32(native.Uint32(b[4:]))
	var far netip.Addr
	for rest := b[unix.SizeofIfAddrmsg:]; len(rest) > 0; {
		kind, value, next, err := nextAttribute(rest)
		switch {
		case err != nil:
		case kind == unix.IFA_LOCAL:
			a.own, err = addressOf(value)
		case kind == unix.IFA_ADDRESS:
			far, err = addressOf(value)
		}
		if err != nil {
			return a, false, err
		}
		rest = next
	}
	if !a.own.IsValid() { // only a link with a peer's address has both
		a.own = far
	}
	if a.link, err = far.Prefix(bits); err != nil || !far.IsValid() {
		return a, false, fmt.Errorf("address with a prefix of %d bits: %w", bits, errTruncated)
	}
	wide := scope == unix.RT_SCOPE_UNIVERSE || scope == unix.RT_SCOPE_LINK && a.own.IsLinkLocalUnicast()
	return a, wide && flags&unix.IFA_F_DADFAILED == 0, nil
}
