package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/config"
	"leaseroute/lqclient"
	"leaseroute/lqclient/wire"
)

// question is what the flags of query say.
type question struct {
	server, source, duid             string
	address, clientID, relayID, link string
	remoteID                         string
	timeout                          time.Duration
	asJSON, udp                      bool
	localPort                        uint16
}

func newQuery(*globals) *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "query --server ADDRESS (--address A | --client-id DUID | --relay-id DUID | --link A | --remote-id ID)",
		Short: "Ask any DHCPv6 server once, over TCP or UDP: no daemon, no configuration, no root",
		Example: `  leaseroute query --server 2001:db8:0:1::1 --relay-id 000300010200000000b0
  leaseroute query --server '[::1]:5470' --link 2001:db8:1::1 --json
  leaseroute query --server 2001:db8:0:1::1 --udp --address 2001:db8:8000::1`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return q.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&q.server, "server", "", "the server: ADDRESS or [ADDRESS]:PORT (required)")
	f.StringVar(&q.source, "source", "", "our own address: the one that the server's allow-list knows")
	f.StringVar(&q.duid, "duid", "00030001020000000001", "our own DUID, in hex")
	f.StringVar(&q.address, "address", "", "ask by address: also one inside a delegated prefix")
	f.StringVar(&q.clientID, "client-id", "", "ask by the client's DUID, in hex")
	f.StringVar(&q.relayID, "relay-id", "", "ask by relay-id, a DUID in hex")
	f.StringVar(&q.link, "link", "", "ask by link-address; with another key: only on this link")
	f.StringVar(&q.remoteID, "remote-id", "", `ask by remote-id: "enterprise:0x…" or "enterprise:text"`)
	f.DurationVar(&q.timeout, "timeout", 30*time.Second, "for connecting, and between two messages; over UDP for the whole query")
	f.BoolVar(&q.udp, "udp", false, "ask over UDP (RFC 5007): by address or by client-id only")
	f.Uint16Var(&q.localPort, "local-port", 0, "with --udp: our own port; 0: any. ISC dhcpd answers to 546 only, which takes root")
	f.BoolVar(&q.asJSON, "json", false, "print JSON, one object a lease")
	return cmd
}

func (q *question) run(cmd *cobra.Command) error {
	server, own, query, err := q.parse()
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	out := newAnswerPrinter(cmd.OutOrStdout(), q.asJSON)
	ctx, ask := cmd.Context(), lqclient.Ask
	if q.udp {
		limited, cancel := context.WithTimeout(ctx, q.timeout) // the transmissions take 30 s at most
		defer cancel()
		ctx, ask = limited, lqclient.AskFrom(q.localPort)
	}
	summary, err := ask(ctx, server, own, query, out.lease)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s: %w", q.timeout, err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d lease(s) in %s from server %s\n",
		summary.Leases, summary.Took.Round(time.Millisecond), dash(hexColons(summary.ServerDUID)))
	return errors.Join(out.flush(), printCounters(cmd.ErrOrStderr(), "of the answer", maps.Collect(summary.Counters.All())), err)
}

// parse turns the flags into a query.
func (q *question) parse() (lqclient.Server, []byte, wire.Query, error) {
	var query wire.Query
	server := lqclient.Server{Name: q.server, Concurrent: 1, ConnectTimeout: q.timeout, DataTimeout: q.timeout}
	var err error
	if server.Address, err = parseServer(q.server); err != nil {
		return server, nil, query, err
	}
	if q.source != "" {
		if server.Source, err = netip.ParseAddr(q.source); err != nil {
			return server, nil, query, fmt.Errorf("--source: %w", err)
		}
	}
	own, err := parseHex(q.duid)
	if err != nil {
		return server, nil, query, fmt.Errorf("--duid %q: %w", q.duid, err)
	}
	if query, err = q.query(); err == nil {
		err = query.Validate()
	}
	return server, own, query, err
}

// query finds the one key that was given.
func (q *question) query() (query wire.Query, err error) {
	keys := 0
	take := func(name, value string, t wire.QueryType, set func(string) error) {
		if value == "" || err != nil {
			return
		}
		keys++
		query.Type = t
		if e := set(value); e != nil {
			err = fmt.Errorf("--%s %q: %w", name, value, e)
		}
	}
	take("address", q.address, wire.ByAddress, func(s string) error { query.Address, err = netip.ParseAddr(s); return err })
	take("client-id", q.clientID, wire.ByClientID, func(s string) error { query.ClientID, err = parseHex(s); return err })
	take("relay-id", q.relayID, wire.ByRelayID, func(s string) error { query.RelayID, err = parseHex(s); return err })
	take("remote-id", q.remoteID, wire.ByRemoteID, func(s string) error { query.RemoteID, err = config.ParseRemoteID(s); return err })
	if err == nil && q.link != "" {
		if query.Link, err = netip.ParseAddr(q.link); err != nil {
			return query, fmt.Errorf("--link: %w", err)
		}
		if keys == 0 {
			keys, query.Type = 1, wire.ByLinkAddress
		}
	}
	if err == nil && keys != 1 {
		err = errors.New("give exactly one of --address, --client-id, --relay-id, --remote-id, or --link alone")
	}
	return query, err
}

// parseServer reads an address with or without a port.
func parseServer(s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, errors.New("--server: name the server to ask")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, 547), nil
	}
	p, err := netip.ParseAddrPort(s)
	if err != nil {
		return p, fmt.Errorf("--server %q: want ADDRESS or %s", s, net.JoinHostPort("ADDRESS", "PORT"))
	}
	return p, nil
}

// parseHex reads octets, with or without colons and 0x.
func parseHex(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(s, "0x"), ":", ""))
	if err != nil {
		return nil, errors.New("want octets in hex, such as 00030001020000000001")
	}
	return b, nil
}
