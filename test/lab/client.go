//go:build linux

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// ClientConfig says what a DHCPv6 client is and what it asks for.
type ClientConfig struct {
	Program     ClientProgram
	Prefixes    int  // how many IA_PDs
	Address     bool // an IA_NA too
	RapidCommit bool // dhclient can't
}

// A ClientProgram is the name of a DHCPv6 client.
type ClientProgram string

// The clients.
const (
	Dhclient ClientProgram = "dhclient" // ISC
	Dhcp6c   ClientProgram = "dhcp6c"   // WIDE; it renews after 18 s at the earliest
	Dhcpcd   ClientProgram = "dhcpcd"
)

// A Client is a real DHCPv6 client in a CPE. It sets no address and no route
// that matters, and nothing outside of its namespace. Its methods are for one
// goroutine at a time.
type Client struct {
	lab     *Lab
	cpe     *CPE
	tree    PeerTree
	config  ClientConfig
	program clientProgram
	dir     string
	process *Process // nil before the first Start
}

// A clientProgram knows a client's command line and its words.
type clientProgram interface {
	// prepare writes the files that the client reads.
	prepare(c *Client) error
	// run returns the arguments that run it in the foreground.
	run(c *Client) ([]string, error)
	// release makes the running client release all that it has, and end.
	release(ctx context.Context, c *Client) error
	// told matches the line in which it tells an event. Submatches: the
	// prefix, the preferred and the valid lifetime.
	told(e Event) *regexp.Regexp
}

// NewClient prepares a client that has no lease.
func (c *CPE) NewClient(tree PeerTree, config ClientConfig) (*Client, error) {
	programs := map[ClientProgram]clientProgram{Dhclient: dhclient{}, Dhcp6c: dhcp6c{}, Dhcpcd: dhcpcd{}}
	program, known := programs[config.Program]
	if !known {
		return nil, fmt.Errorf("prepare a client: no program is called %q", config.Program)
	}
	dir, err := os.MkdirTemp(c.lab.Dir, string(config.Program)+"-")
	if err != nil {
		return nil, fmt.Errorf("prepare a client: %w", err)
	}
	client := &Client{lab: c.lab, cpe: c, tree: tree, config: config, program: program, dir: dir}
	return client, program.prepare(client)
}

func (c *Client) path(name string) string { return filepath.Join(c.dir, name) }

// Start starts the client, the first time or again. A client that was killed
// before remembers its leases as the real one does.
func (c *Client) Start(ctx context.Context) error {
	args, err := c.program.run(c)
	if err != nil {
		return fmt.Errorf("start a client: %w", err)
	}
	c.process, err = c.lab.Start(c.cpe.Command(ctx, args[0], args[1:]...))
	return err
}

// An Event is what happens to a client's lease.
type Event string

// The events, as dhclient's and dhcpcd's scripts call them. dhcp6c does not
// tell Renewed from Rebound: one is as good as the other there.
const (
	Bound    Event = "BOUND6"   // it has the lease, new
	Renewed  Event = "RENEW6"   // the server extended it
	Rebound  Event = "REBIND6"  // any server did; also what a restarted client gets
	Expired  Event = "EXPIRE6"  // it ran out
	Released Event = "RELEASE6" // the client gives it up; the message may be still to be sent
)

// Told is what a client tells about a lease.
type Told struct {
	Prefix           netip.Prefix  // an address has length 128
	Preferred, Valid time.Duration // whole seconds
}

// Wait waits until the client tells an event of a lease. It tells one for each
// lease, and each is returned once; those before it, of whatever kind, are not
// looked at again.
func (c *Client) Wait(ctx context.Context, e Event) (Told, error) {
	words, err := c.process.WaitLine(ctx, c.program.told(e))
	if err != nil {
		return Told{}, err
	}
	prefix, err := netip.ParsePrefix(words[1])
	if err != nil { // an address
		var address netip.Addr
		address, err = netip.ParseAddr(words[1])
		prefix = netip.PrefixFrom(address, 128)
	}
	return Told{prefix, seconds(words[2]), seconds(words[3])}, err
}

// seconds takes a lifetime of digits only; none, or too many of them, is 0.
func seconds(digits string) time.Duration {
	n, _ := strconv.ParseUint(digits, 10, 32)
	return time.Duration(n) * time.Second
}

// Release makes the client send a Release for all that it has, and returns
// when it has ended. The server may not have read it then. It may be started
// again.
func (c *Client) Release(ctx context.Context) error {
	if err := c.program.release(ctx, c); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return c.process.Wait(ctx)
}

// Kill ends the client at once: nobody is told. It may be started again.
func (c *Client) Kill() { c.process.Kill() }

// Process returns the running client.
func (c *Client) Process() *Process { return c.process }
