//go:build linux

package glean

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/test/daemon"
	"leaseroute/test/lab"
)

var seed = flag.Uint64("seed", 1, "of the random lease events")

const (
	events  = 1000
	phases  = 4  // between short and long lifetimes, in turn
	crowded = 60 // clients, for 64 prefixes on each link
)

// short leases run out while the events go on.
var short = lab.Lifetimes{Preferred: 3 * time.Second, Valid: 4 * time.Second, Renew: time.Second, Rebind: 2 * time.Second}

// TestRandomEvents has the same events happen three times. What the table then
// holds is compared with the server's own leases, and how a lease's client is
// reached with what the server has noted of its relay.
func TestRandomEvents(t *testing.T) {
	t.Parallel()
	plain := daemon.Config(relayID)
	modes := []struct {
		name, config string
		bulk         bool
	}{
		{"R74 R89 G-9 gleaning alone", strings.Replace(plain, ":547", ":9", 1), false},
		{"C94 R60 R77 bulk alone", plain + "\nglean: { enabled: false }", true},
		{"C94 R77 R78 R89 gleaning and bulk", plain, true},
	}
	for _, m := range modes {
		t.Run(fmt.Sprintf("%s, %d events", m.name, events), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, setup{server: "Kea", serve: crowd})
			s.Configure(t, m.config+"\nrecovery: { give_up: 1s }")
			s.Start(t)
			if m.bulk {
				s.Recovered(t)
			} else {
				s.watching(t)
			}
			newCrowd(t, s, m.bulk).run(t)
		})
	}
}

// crowd lets prefixes change hands.
func crowd(s *lab.Service) {
	s.RapidCommit = true
	for i := range s.Links {
		b := &s.Links[i].Blocks[0]
		b.Prefix = netip.PrefixFrom(b.Prefix.Addr(), 50)
	}
}

// A crowds is what happens at random: who does it, and where.
type crowds struct {
	*site
	random  *rand.Rand
	lines   []*line
	clients []*subscriber
	at      []int // the line that a client is connected to
	bulk    bool  // the servers can be asked
	done    map[string]int
}

func newCrowd(t *testing.T, s *site, bulk bool) *crowds {
	t.Helper()
	c := &crowds{site: s, random: rand.New(rand.NewPCG(*seed, 0)), bulk: bulk, done: make(map[string]int)}
	for _, a := range s.Access {
		c.lines = append(c.lines, s.line(t, a))
	}
	for i := range crowded {
		c.clients = append(c.clients, newSubscriber(i+1))
		c.at = append(c.at, i%len(c.lines))
	}
	return c
}

// run has all events happen, and compares.
func (c *crowds) run(t *testing.T) {
	t.Helper()
	start := time.Now()
	for phase := range phases {
		served := c.served
		if phase%2 == 0 {
			served.Lifetimes = short
		}
		must(t, c.server.Serve(served))
		must(t, c.kea.Reload(c.ctx))
		for range events / phases {
			what, err := c.event()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			c.done[what]++
		}
		if c.bulk {
			c.resync(t)
		}
	}
	t.Logf("seed %d: %v in %s", *seed, c.done, time.Since(start).Round(time.Millisecond))
	c.compare(t)
}

// event has something happen to some client.
func (c *crowds) event() (what string, err error) {
	n := c.random.IntN(len(c.clients))
	client, l := c.clients[n], c.lines[c.at[n]]
	lease := client.leases[l]
	dice := c.random.IntN(100)
	switch {
	case dice < 10:
		c.at[n] = (c.at[n] + 1) % len(c.lines)
		return "move", client.solicit(c.ctx, c.lines[c.at[n]], true)
	case !lease.IsValid() && dice < 60:
		return "lease", client.solicit(c.ctx, l, false)
	case !lease.IsValid():
		return "rapid commit", client.solicit(c.ctx, l, true)
	case dice < 40:
		return "renew", client.ask(c.ctx, l, dhcpv6.MessageTypeRenew, lease)
	case dice < 55:
		return "rebind", client.ask(c.ctx, l, dhcpv6.MessageTypeRebind, lease)
	case dice < 70:
		return "release with an answer", c.releaseAndWait(client, l)
	case dice < 85:
		return "release", client.release(c.ctx, l)
	case dice < 93:
		return "forget and lease again", client.solicit(c.ctx, l, false)
	default:
		return "ask for another's", client.ask(c.ctx, l, dhcpv6.MessageTypeRequest, c.anothers(n, l))
	}
}

func (c *crowds) releaseAndWait(client *subscriber, l *line) error {
	return client.ask(c.ctx, l, dhcpv6.MessageTypeRelease, client.leases[l])
}

// anothers returns a prefix that another client has, if there is one.
func (c *crowds) anothers(n int, l *line) netip.Prefix {
	for i := range c.clients {
		if p := c.clients[(n+1+i)%len(c.clients)].leases[l]; p.IsValid() {
			return p
		}
	}
	return netip.Prefix{}
}

// resync has leaseroute ask the server for everything.
func (c *crowds) resync(t *testing.T) {
	t.Helper()
	if _, errs, code := c.Run(t, "resync", "--wait"); code != 0 {
		t.Errorf("resync ends with %d: %s", code, errs)
	}
}

// compare waits until the kernel's routes and the bindings are the server's
// leases: those with short lifetimes run out meanwhile.
func (c *crowds) compare(t *testing.T) {
	t.Helper()
	c.until(t, "the kernel's routes and the server's leases are not the same", func() []string {
		held, err := c.server.Held(time.Now())
		must(t, err)
		bindings := c.Bindings(t)
		promise(held, bindings, c.told)
		return append(routeDiff(c.Routes(t), c.relayed(t)), leaseDiff(bindings, held)...)
	})
	held, err := c.server.Held(time.Now())
	must(t, err)
	n := c.Status(t).Counters
	t.Logf("%d leases at the end; %d ran out, %d were released, %d conflicts", len(held), n["bindings_expired"], n["bindings_released"], n["conflicts"])
}

// relayed are the routes to all live leases, by what Kea has noted.
func (c *crowds) relayed(t *testing.T) map[netip.Prefix]lab.Route {
	t.Helper()
	leases, err := c.kea.Leases()
	must(t, err)
	routes, now := make(map[netip.Prefix]lab.Route), time.Now()
	for _, l := range leases {
		if !l.Live(now) || len(l.Relays) == 0 {
			continue
		}
		r := lab.Route{Prefix: l.Prefix, Gateway: l.Relays[0].Peer}
		for _, a := range c.Access {
			if a.Address == l.Relays[0].Link {
				r.Dev = a.Name
			}
		}
		routes[l.Prefix] = r
	}
	return routes
}

// told is the end of a lease as its client was told.
func (c *crowds) told(l lab.Lease) time.Time {
	for _, client := range c.clients {
		if string(client.duid.ToBytes()) == string(l.DUID) {
			return client.told[l.Prefix]
		}
	}
	return time.Time{}
}
