package config

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// allowedPrefix is the kind of blocks that delegated prefixes come from.
func allowedPrefix() kind[netip.Prefix] {
	return textual("an IPv6 prefix such as 2001:db8:8000::/33", parseAllowed)
}

// parseAllowed reads a block: canonical, of length 1 to 128, and of addresses
// that can be delegated.
func parseAllowed(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, errors.New("is not a prefix")
	case p.Addr().Is4(), p.Addr().Is4In6():
		return netip.Prefix{}, errors.New("is not an IPv6 prefix")
	case p.Bits() == 0:
		return netip.Prefix{}, errors.New("allows everything")
	case p.Addr().IsMulticast(), p.Addr().IsLinkLocalUnicast():
		return netip.Prefix{}, errors.New("can't be delegated")
	case p != p.Masked():
		return netip.Prefix{}, &refusal{"has host bits set", p.Masked().String()}
	}
	return p, nil
}

// A lengthRange is a range of prefix lengths, both ends included.
type lengthRange struct{ min, max int }

// prefixLengths is the kind of lengths that delegated prefixes may have.
func prefixLengths() kind[lengthRange] {
	return numeric(textual(`a length such as 56 or a range such as 48-64, within 1-128`, parseLengths))
}

// parseLengths reads "56" or "48-64".
func parseLengths(s string) (lengthRange, error) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	least, err := strconv.Atoi(from)
	if err != nil {
		return lengthRange{}, errors.New("is not a length")
	}
	most, err := strconv.Atoi(to)
	switch {
	case err != nil:
		return lengthRange{}, errors.New("is not a length")
	case least < 1 || most > 128:
		return lengthRange{}, errors.New("is out of range")
	case least > most:
		return lengthRange{}, &refusal{"is the wrong way round", to + "-" + from}
	}
	return lengthRange{least, most}, nil
}
