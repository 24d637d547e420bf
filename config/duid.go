package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A DUID is a type of two octets and an identifier of 1 to 128 (RFC 8415,
// section 11.1; L7).
const (
	minDUID = 3
	maxDUID = 130
)

const duidWords = "a DUID of 3 to 130 octets in hex"

// relayID is the kind of our own DUID; nil stands for auto.
func relayID() kind[[]byte] {
	return textual("auto, or "+duidWords, func(s string) ([]byte, error) {
		if s == "auto" {
			return nil, nil
		}
		return parseDUID(s)
	})
}

// serverDUID is the kind of another's DUID; nil stands for any.
func serverDUID() kind[[]byte] {
	return textual(duidWords+`, or "" for any`, func(s string) ([]byte, error) {
		if s == "" {
			return nil, nil
		}
		return parseDUID(s)
	})
}

// parseDUID reads a DUID in hex: 0001aabb, 0x0001aabb or 00:01:aa:bb.
func parseDUID(s string) ([]byte, error) {
	b, err := parseHex(s)
	if err != nil {
		return nil, err
	}
	if len(b) < minDUID || len(b) > maxDUID {
		return nil, fmt.Errorf("has %d octets", len(b))
	}
	return b, nil
}

// parseHex reads octets of two digits each, with colons between all of them
// or none, and "0x" before them or not.
func parseHex(s string) ([]byte, error) {
	s = strings.TrimPrefix(s, "0x")
	if strings.Contains(s, ":") {
		octets := strings.Split(s, ":")
		for _, o := range octets {
			if len(o) != 2 {
				return nil, errors.New("needs two hex digits between colons")
			}
		}
		s = strings.Join(octets, "")
	}
	b, err := hex.DecodeString(s)
	switch {
	case errors.Is(err, hex.ErrLength):
		return nil, errors.New("has half an octet")
	case err != nil:
		return nil, errors.New("is not hex")
	}
	return b, nil
}
