package agent

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"leaseroute/binding"
)

// A filter says which bindings are wanted: those that meet every one of its
// lists, which an empty list does not restrict. The zero filter wants all.
type filter struct {
	interfaces []binding.Interface
	clients    [][]byte
	servers    []binding.Server
	states     []binding.State
	within     []netip.Prefix
	doubted    bool // only what is in doubt
}

// parseFilter reads a filter from the parameters of a request: interface,
// client, server, state and within, each any number of times. What can never
// match is an error that says what could.
func (a *Agent) parseFilter(q url.Values) (f filter, err error) {
	f.interfaces, err = each(q["interface"], err, a.parseInterface)
	f.clients, err = each(q["client"], err, parseDUID)
	f.servers, err = each(q["server"], err, a.parseServer)
	f.states, err = each(q["state"], err, parseState)
	f.within, err = each(q["within"], err, parseWithin)
	return f, err
}

// each parses all words, unless there is an error already.
func each[T any](words []string, err error, parse func(string) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	var out []T
	for _, w := range words {
		v, err := parse(w)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (a *Agent) parseInterface(name string) (binding.Interface, error) {
	n := a.links.Number(name)
	if n == 0 {
		return 0, fmt.Errorf("interface %q: neither an access nor a core interface; see 'leaseroute check'", name)
	}
	return n, nil
}

// parseDUID reads octets in hex, with or without colons.
func parseDUID(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(s, "0x"), ":", ""))
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("client %q: want a DUID in hex, such as 00:03:00:01:02:00:00:00:00:01", s)
	}
	return b, nil
}

func (a *Agent) parseServer(name string) (binding.Server, error) {
	var names []string
	for n, s := range a.cfg.Servers {
		if s.Name == name {
			return binding.Server(n + 1), nil
		}
		names = append(names, s.Name)
	}
	return 0, fmt.Errorf("server %q: no such name, choose %s", name, strings.Join(names, ", "))
}

func parseState(name string) (binding.State, error) {
	var names []string
	for s := binding.Installed; s <= binding.Kept; s++ {
		if s.String() == name {
			return s, nil
		}
		names = append(names, s.String())
	}
	return 0, fmt.Errorf("state %q: no such state, choose %s", name, strings.Join(names, ", "))
}

func parseWithin(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("within %q: want a prefix, such as 2001:db8:8000::/40", s)
	}
	return p.Masked(), nil
}

// errUnfiltered is for what must not be done to everything by an oversight.
var errUnfiltered = errors.New("say what: a prefix, a client or an interface")

// all reports whether nothing is left out.
func (f *filter) all() bool {
	return len(f.interfaces)+len(f.clients)+len(f.servers)+len(f.states)+len(f.within) == 0 && !f.doubted
}

// wants reports whether b is wanted.
func (f *filter) wants(b *binding.Binding) bool {
	return has(f.interfaces, b.Interface) && has(f.servers, b.Server) && has(f.states, b.State) &&
		f.wantsClient(b.Client) && f.wantsPlace(b.Key.Prefix) && (!f.doubted || b.Doubt != binding.NoReason)
}

func has[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

func (f *filter) wantsClient(duid []byte) bool {
	return len(f.clients) == 0 || slices.ContainsFunc(f.clients, func(c []byte) bool { return bytes.Equal(c, duid) })
}

// wantsPlace reports whether p lies within what is asked for.
func (f *filter) wantsPlace(p netip.Prefix) bool {
	return len(f.within) == 0 || slices.ContainsFunc(f.within, func(w netip.Prefix) bool {
		return w.Bits() <= p.Bits() && w.Contains(p.Addr())
	})
}
