package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/config"
	"leaseroute/test/lqserver"
)

// simulation is what the flags of simulate say.
type simulation struct {
	listen, duid, relayID, block, manner string
	links, faults                        []string
	lengths                              []int
	clients, extra, addresses, expired   int
	withheld                             int
	valid                                time.Duration
	sequence                             uint16
	shuffle, udp                         bool
	listFaults                           bool
}

func newSimulate() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Be a DHCPv6 leasequery server with made-up bindings, and with faults on demand",
		Example: `  leaseroute simulate --listen '[::1]:5470' --clients 1000 --link 2001:db8:1::1/64
  leaseroute simulate --fault cut=500 --fault times=1`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.listFaults {
				return printFaults(cmd.OutOrStdout())
			}
			return s.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", "[::]:547", "address and port, of TCP and UDP")
	f.BoolVar(&s.udp, "udp", true, "answer over UDP too, where queries are about single clients")
	f.StringVar(&s.duid, "duid", "000300010200000000ff", "the server's DUID, in hex")
	f.StringVar(&s.manner, "manner", "rfc", "rfc; kea: one lease a message, stale leases, lost infinities; dhcpd: over UDP alone, addresses alone")
	f.IntVar(&s.clients, "clients", 10_000, "how many clients have a prefix")
	f.StringVar(&s.block, "block", "2001:db8:8000::/33", "what prefixes are delegated from")
	f.IntSliceVar(&s.lengths, "length", []int{56}, "prefix lengths, given out in turn")
	f.StringSliceVar(&s.links, "link", []string{"2001:db8:1::1/64"}, "the relay's address on each access link, with the link's prefix length")
	f.StringVar(&s.relayID, "relay-id", "", "the relay-id that the relay put in, in hex; none if empty")
	f.DurationVar(&s.valid, "valid", 24*time.Hour, "valid lifetime of the leases")
	f.IntVar(&s.extra, "extra-every", 0, "each so many-th client has a second prefix; 0: none")
	f.IntVar(&s.addresses, "address-every", 0, "each so many-th client has an address too; 0: none")
	f.IntVar(&s.expired, "expired-every", 0, "the leases of each so many-th client have run out; 0: none")
	f.IntVar(&s.withheld, "withhold", 0, "so many clients are left out of bulk answers; they are found by address and by client-id")
	f.BoolVar(&s.shuffle, "shuffle", false, "answer in an order that looks random")
	f.Uint16Var(&s.sequence, "sequence-option", 0, "code of the server's sequence number option; 0: not sent")
	f.StringSliceVar(&s.faults, "fault", nil, "a rule to break, name=value; may be repeated")
	f.BoolVar(&s.listFaults, "list-faults", false, "list the faults and end")
	return cmd
}

func printFaults(w io.Writer) error {
	var rows [][]string
	for _, k := range lqserver.Knobs() {
		rows = append(rows, []string{k.Name, dash(k.Value), k.Help})
	}
	return printTable(w, []string{"fault", "value", "what it does"}, rows)
}

// run serves until the command is interrupted.
func (s *simulation) run(cmd *cobra.Command) error {
	store, err := s.store()
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	options, err := s.options()
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	options.Log = newLog(os.Stderr, config.Log{Level: logLevel(cmd)})
	defer closeSockets(&options)
	if err := s.open(&options); err != nil {
		return fmt.Errorf("listen for requestors: %w", err)
	}
	server, err := lqserver.New(options, store)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	log := options.Log.WithField("clients", s.clients)
	if options.Listener != nil {
		log = log.WithField("tcp", options.Listener.Addr())
	}
	if options.Packets != nil {
		log = log.WithField("udp", options.Packets.LocalAddr())
	}
	log.Info("listening")
	return server.Run(cmd.Context())
}

// open opens the sockets that the options need: TCP, and UDP at the same port.
// closeSockets closes them, on an error too.
func (s *simulation) open(o *lqserver.Options) (err error) {
	listen := s.listen
	if !o.Manner.AddressesOnly {
		if o.Listener, err = net.Listen("tcp", listen); err != nil {
			return err
		}
		listen = o.Listener.Addr().String() // port 0 has become one
	}
	if !s.udp {
		return nil
	}
	if o.Packets, err = net.ListenPacket("udp", listen); err != nil {
		return err
	}
	if o.Faults.UDP.Elsewhere {
		host, _, err := net.SplitHostPort(listen)
		if err != nil {
			return err
		}
		o.Elsewhere, err = net.ListenPacket("udp", net.JoinHostPort(host, "0"))
		return err
	}
	return nil
}

func closeSockets(o *lqserver.Options) {
	for _, c := range []io.Closer{o.Listener, o.Packets, o.Elsewhere} {
		if c != nil {
			c.Close()
		}
	}
}

func (s *simulation) options() (lqserver.Options, error) {
	duid, err := hex.DecodeString(strings.ReplaceAll(s.duid, ":", ""))
	if err != nil {
		return lqserver.Options{}, fmt.Errorf("--duid %q: %w", s.duid, err)
	}
	o := lqserver.Options{DUID: duid, SequenceOption: s.sequence, SequenceInData: s.sequence != 0}
	switch s.manner {
	case "rfc":
	case "kea":
		o.Manner, o.Faults = lqserver.Kea(), lqserver.KeaFaults()
	case "dhcpd":
		o.Manner = lqserver.Dhcpd()
	default:
		return o, fmt.Errorf("--manner %q: choose rfc, kea or dhcpd", s.manner)
	}
	for _, text := range s.faults {
		if err := lqserver.ParseFault(text, &o.Faults); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (s *simulation) store() (lqserver.Store, error) {
	block, err := netip.ParsePrefix(s.block)
	if err != nil {
		return nil, fmt.Errorf("--block: %w", err)
	}
	id, err := s.relay()
	if err != nil {
		return nil, err
	}
	plan := lqserver.Plan{
		Clients: s.clients, Block: block, Lengths: s.lengths, Enterprise: 32473,
		Preferred: s.valid / 2, Valid: s.valid, Age: min(time.Hour, s.valid/4),
		ExtraEvery: s.extra, AddressEvery: s.addresses, ExpiredEvery: s.expired,
		Withheld: s.withheld, Shuffle: s.shuffle,
	}
	for _, text := range s.links {
		address, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--link: %w", err)
		}
		plan.Links = append(plan.Links, lqserver.Link{Address: address, RelayID: id})
	}
	return lqserver.Generate(plan)
}

// relay is the DUID that the relay put in; nil for none, since an option
// without octets would be a malformed one.
func (s *simulation) relay() ([]byte, error) {
	if s.relayID == "" {
		return nil, nil
	}
	id, err := hex.DecodeString(strings.ReplaceAll(s.relayID, ":", ""))
	if err != nil {
		return nil, fmt.Errorf("--relay-id %q: %w", s.relayID, err)
	}
	return id, nil
}
