package config

import (
	"errors"
	"net/netip"
	"strings"
)

// defaultPort is where DHCPv6 servers listen (RFC 5460, section 5.6; R45).
const defaultPort = 547

// serverAddress is the kind of a server's address.
func serverAddress() kind[netip.AddrPort] {
	return textual("an IPv6 address, or [address]:port", parseServerAddress)
}

// parseServerAddress reads "address", "[address]" or "[address]:port". The
// port is defaultPort if it is left out.
func parseServerAddress(s string) (netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		if ap.Port() == 0 {
			return netip.AddrPort{}, errors.New("has port 0")
		}
		return ap, unicast(ap.Addr())
	}
	bare, hadBracket := strings.CutPrefix(s, "[")
	bare, hadBoth := strings.CutSuffix(bare, "]")
	a, err := netip.ParseAddr(bare)
	switch {
	case err != nil, hadBracket != hadBoth:
		return netip.AddrPort{}, errors.New("is not an address")
	case !hadBracket && strings.HasSuffix(s, ":547"): // valid, but hardly ever meant
		return netip.AddrPort{}, &refusal{"may or may not end in a port", "[" + strings.TrimSuffix(s, ":547") + "]:547 or [" + s + "]"}
	}
	return netip.AddrPortFrom(a, defaultPort), unicast(a)
}

// sourceAddress is the kind of the address to connect from; the zero Addr
// stands for the kernel's choice. As every server has an IPv6 address, so has
// its source.
func sourceAddress() kind[netip.Addr] {
	const words = `an IPv6 address of this router, or "" for the kernel's choice`
	return textual(words, func(s string) (netip.Addr, error) {
		if s == "" {
			return netip.Addr{}, nil
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Addr{}, errors.New("is not an address")
		}
		return a, unicast(a)
	})
}

// unicast refuses addresses that no end of a connection can have.
func unicast(a netip.Addr) error {
	switch {
	case a.Is4(), a.Is4In6():
		return errors.New("is an IPv4 address")
	case a.IsUnspecified():
		return errors.New("is the unspecified address")
	case a.IsMulticast():
		return errors.New("is a multicast address")
	case a.IsLinkLocalUnicast() && a.Zone() == "":
		return &refusal{"is link-local and names no interface", a.String() + "%interface"}
	}
	return nil
}

// maxLinks bounds the list of link-addresses: each costs a query.
const maxLinks = 4096

// links is the kind of the list of link-addresses; nil stands for auto.
func links() kind[[]netip.Addr] {
	k := list(linkAddress(), 1, maxLinks, netip.Addr.String)
	parse := k.parse
	k.words = "auto, or " + k.words
	k.parse = func(p place, v any) []netip.Addr {
		switch v := v.(type) {
		case []any:
			return parse(p, v)
		case string:
			if v == "auto" {
				return nil
			}
		}
		p.refuse(v, "is neither auto nor a list", k.words)
		return nil
	}
	return k
}

// linkAddress is the kind of link-addresses to ask for (RFC 5007, section
// 4.1.2.1; R8).
func linkAddress() kind[netip.Addr] {
	return textual("a global IPv6 address", func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(s)
		switch {
		case err != nil:
			return netip.Addr{}, errors.New("is not an address")
		case a.IsLinkLocalUnicast(), a.IsLoopback(), a.Zone() != "":
			return netip.Addr{}, errors.New("is not global")
		}
		return a, unicast(a)
	})
}

// listenAddress is the kind of addresses to listen on; the zero AddrPort is
// nowhere.
func listenAddress() kind[netip.AddrPort] {
	return textual(`an address:port such as 127.0.0.1:9547 or [::]:9547, or ""`, func(s string) (netip.AddrPort, error) {
		if s == "" {
			return netip.AddrPort{}, nil
		}
		at, err := netip.ParseAddrPort(s)
		switch {
		case err != nil:
			return netip.AddrPort{}, errors.New("is not an address with a port")
		case at.Port() == 0:
			return netip.AddrPort{}, errors.New("has port 0")
		case at.Addr().IsMulticast():
			return netip.AddrPort{}, errors.New("is a multicast address")
		}
		return at, nil
	})
}
