package ondemand

import (
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"testing"
	"time"

	"leaseroute/test/lab"
)

const (
	cpe   = "2001:db8:8000:1201::5"
	site1 = "2001:db8:8000:1200::/56"
)

func TestNFTReportsUnknownSources(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(nil)
	server := lab.ServerAddress.String()
	t.Run("once, with interface and sender", func(t *testing.T) {
		s.send("acc0", cpe, server)
		s.send("acc0", cpe, server)
		s.send("acc0", "2001:db8:8000:12ff::1", server) // of the same prefix
		w.reported("acc0", cpe, true)
	})
	t.Run("on each interface by itself", func(t *testing.T) {
		s.send("acc1", cpe, server)
		w.reported("acc1", cpe, true)
	})
	t.Run("to the router too", func(t *testing.T) {
		s.send("acc0", "2001:db8:8000:1300::1", lab.RouterAddress.String())
		w.reported("acc0", "2001:db8:8000:1300::1", true)
	})
	t.Run("not with a route", func(t *testing.T) {
		s.route("add 2001:db8:8000:1400::/56 via fe80::2 dev acc0 proto 158")
		s.send("acc0", "2001:db8:8000:1401::1", server)
		w.silent("acc0", "a known source")
	})
	t.Run("with a route to another port", func(t *testing.T) {
		s.send("acc1", "2001:db8:8000:1402::1", server)
		w.reported("acc1", "2001:db8:8000:1402::1", true)
	})
	t.Run("with a default route", func(t *testing.T) {
		s.route("add default via %s dev core0", lab.ServerAddress)
		s.send("acc0", "2001:db8:8000:1500::1", server)
		w.reported("acc0", "2001:db8:8000:1500::1", true)
	})
	t.Run("not on a core interface", func(t *testing.T) {
		s.send("core0", "2001:db8:8000:1600::1", lab.RouterAddress.String())
		w.silent("core0", "a source on a core interface")
	})
}

// What is no subscriber's is never asked about, whoever sends it.
func TestNFTNeverReports(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const own = "2001:db8:8000:ff01::1"
	must(t, s.Router.IP(t.Context(),
		"address add "+own+"/64 dev acc0 nodad",
		"address add 2001:db8:8000:fe01::1/64 dev acc1 nodad",
		"address add 2001:db8:8000:fd01::1/128 dev lo"))
	w := s.watch(nil)
	server, router := lab.ServerAddress.String(), lab.RouterAddress.String()
	for _, source := range []string{
		"fe80::5", "::", "::1", "ff02::1", "2001:db8:1::5", "2001:db8:9::5", "3fff::1",
		router, "2001:db8:8000:ff01::77", // on-link
	} {
		s.send("acc0", source, server)
		s.send("acc0", source, router)
		w.silent("acc0", "source "+source)
	}
	for _, source := range []string{own, "2001:db8:8000:ff01::", "2001:db8:8000:fe01::1", "2001:db8:8000:fd01::1"} {
		s.send("acc0", source, server)
		w.silent("acc0", "source "+source)
	}
	w.counted("src_own", 2) // the others have a connected route by that interface
	for _, dest := range []string{"fe80::5", "ff02::1", "ff0e::5", "2001:db8:1::5", "2001:db8:9::5", "::1", own} {
		s.send("core0", server, dest)
		w.silent("core0", "destination "+dest)
	}
	w.counted("reports_refused", 0)
}

func TestNFTReportsUnknownDestinations(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(nil)
	server := lab.ServerAddress.String()
	s.send("core0", server, cpe)
	s.send("core0", server, "2001:db8:8000:1202::9")
	w.reported("core0", cpe, false)
	s.route("add 2001:db8:8000:1400::/56 via fe80::2 dev acc0 proto 158")
	s.send("core0", server, "2001:db8:8000:1401::1")
	w.silent("core0", "a known destination")
	s.send("acc0", "2001:db8:1::5", cpe)
	w.silent("acc0", "a destination of another subscriber")
	s.send("acc0", "2001:db8:8000:1500::1", "2001:db8:8000:1401::1")
	w.reported("acc0", "2001:db8:8000:1500::1", true) // whatever is verified of the destination
}

// ONDEMAND 3.2: what was verified is not looked up with each packet; for so
// long it does not count as unknown.
func TestNFTVerifiesOnceInAWhile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(nil)
	server := lab.ServerAddress.String()
	s.route("add " + site1 + " via fe80::2 dev acc0 proto 158")
	s.send("acc0", cpe, server)
	w.silent("acc0", "a known source")
	s.send("core0", server, cpe)
	w.silent("core0", "a known destination")
	s.route("del " + site1 + " proto 158")
	s.send("acc0", cpe, server)
	w.silent("acc0", "a source that was known just now")
	s.send("core0", server, cpe)
	w.silent("core0", "a destination that was known just now")
	s.send("acc1", cpe, server)
	w.reported("acc1", cpe, true)
}

// Our own address has no route by any interface. Packets to it must pass,
// whatever of its prefix is being asked about.
func TestNFTLetsThroughWhatIsForTheRouter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const own = "2001:db8:8000:12ff::1"
	must(t, s.Router.IP(t.Context(), "address add "+own+"/64 dev acc0 nodad"))
	w := s.watch(nil)
	s.send("core0", lab.ServerAddress.String(), cpe)
	w.reported("core0", cpe, false)
	_, err := s.Server.Ping(t.Context(), netip.MustParseAddr(own))
	must(t, err)
}

func TestNFTSuppresses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(func(o *Options) { o.Pend = time.Second })
	server := lab.ServerAddress.String()
	for _, u := range []Unknown{
		{Address: netip.MustParseAddr(cpe), Source: true, Interface: s.ports["acc0"].index},
		{Address: netip.MustParseAddr(cpe), Interface: s.ports["core0"].index},
	} {
		dev, source, dest := "acc0", cpe, server
		if !u.Source {
			dev, source, dest = "core0", server, cpe
		}
		again := func() {
			tick := time.NewTicker(20 * time.Millisecond) // there is a second to wait for
			defer tick.Stop()
			for {
				s.send(dev, source, dest)
				if w.settle(dev) != nil {
					return
				}
				<-tick.C
			}
		}
		again()
		// The rules have it as pending for a second: the element is renewed.
		const ttl = 2 * time.Second
		began := time.Now()
		must(t, w.Suppress(u, ttl))
		again()
		if d := time.Since(began); d < ttl {
			t.Errorf("%v: reported after %s, suppressed for %s", u, d, ttl)
		}
		must(t, w.Suppress(u, time.Hour))
		must(t, w.Suppress(u, time.Hour))
		for range 5 {
			s.send(dev, source, dest)
		}
		w.silent(dev, "suppressed for an hour")
		must(t, w.Allow(netip.MustParsePrefix("2001:db8:8000:1300::/56")))
		w.silent(dev, "another prefix allowed")
		s.send(dev, source, dest)
		w.silent(dev, "another prefix allowed")
		must(t, w.Allow(netip.MustParsePrefix("2001:db8:8000:1201:8000::/65"))) // longer than any delegated one
		s.send(dev, source, dest)
		if seen := w.settle(dev); len(seen) != 1 {
			t.Errorf("allowed again: got %v", seen)
		}
		must(t, w.Allow(netip.MustParsePrefix("2001:db8:8000:1200::/56"))) // nothing to take back
	}
	// One that is not pending, and a prefix of several.
	var us []Unknown
	for i := range uint32(20) {
		u := Unknown{Address: prefixed(0x4000 + i), Source: true, Interface: s.ports["acc0"].index}
		must(t, w.Suppress(u, time.Hour))
		us = append(us, u)
		s.send("acc0", u.Address.String(), server)
	}
	w.silent("acc0", "suppressed before any packet came")
	w.counted("suppressions", 20)
	must(t, w.Allow(netip.PrefixFrom(us[0].Address, 48)))
	w.counted("suppressions", 0)
	for _, u := range us {
		s.send("acc0", u.Address.String(), server)
	}
	if seen := w.settle("acc0"); len(seen) != len(us) {
		t.Errorf("%d of %d reported after all were allowed", len(seen), len(us))
	}
	w.counted("suppressions_refused", 0)
}

func TestNFTVerdicts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	send := func(source, payload string) {
		t.Helper()
		must(t, s.ports["acc0"].Send(s.frame("acc0", hostMAC(1), netip.MustParseAddr(source), lab.ServerAddress, []byte(payload))))
	}
	const outside = "2001:db8:1::5"
	t.Run("unknown sources pass", func(t *testing.T) {
		w := s.watch(nil)
		send(cpe, "unknown")
		send(cpe, "pending")
		for _, want := range []string{"unknown", "pending"} {
			if got := s.arrived(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		must(t, w.stop())
	})
	t.Run("the guard drops them until there is a route", func(t *testing.T) {
		w := s.watch(func(o *Options) { o.Guard = true })
		send(cpe, "unknown")
		send(cpe, "pending")
		w.reported("acc0", cpe, true)
		s.route("add " + site1 + " via fe80::2 dev acc0 proto 158")
		send(cpe, "known")
		send(outside, "outside")
		for _, want := range []string{"known", "outside"} {
			if got := s.arrived(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

func TestNFTBucketsAreEachInterfacesOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(func(o *Options) {
		o.Rates.First, o.Rates.Second = Rate{1, 5}, Rate{1, 1}
	})
	began := time.Now()
	for i := range uint32(100) {
		s.sendFrom("acc0", hostMAC(i), prefixed(0x8000+i).String(), lab.ServerAddress.String())
	}
	if seen := w.settle("acc1"); len(seen) < 5 || len(seen) > 6+int(time.Since(began)/time.Second) {
		t.Errorf("%d reported, the bucket holds 5", len(seen))
	}
	if w.Stats()["src_shed"] < 90 {
		t.Errorf("counters: %v", w.Stats())
	}
}

func TestNFTLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(nil)
	if got := s.tables(); !slices.Equal(got, []string{DefaultTable}) {
		t.Errorf("tables %q", got)
	}
	must(t, w.stop())
	if got := s.tables(); got != nil {
		t.Errorf("tables %q after the end", got)
	}
	u := Unknown{Address: netip.MustParseAddr(cpe), Source: true, Interface: 1}
	must(t, w.Suppress(u, time.Hour))
	must(t, w.Allow(netip.MustParsePrefix(site1)))

	w = s.watch(func(o *Options) { o.Keep = true })
	must(t, w.stop())
	if got := s.tables(); !slices.Equal(got, []string{DefaultTable}) {
		t.Errorf("tables %q, one was to stay", got)
	}
	w = s.watch(nil)
	s.send("acc0", cpe, lab.ServerAddress.String())
	w.reported("acc0", cpe, true)
}

// A firewall that is loaded again begins with `nft flush ruleset`.
func TestNFTComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(nil)
	s.send("acc0", cpe, lab.ServerAddress.String())
	w.reported("acc0", cpe, true)
	before := w.Stats()["src_asked"]
	c, err := w.kern.conn()
	must(t, err)
	c.FlushRuleset()
	must(t, c.Flush())
	w.update()
	w.counted("table_rewritten", 1)
	s.send("acc0", cpe, lab.ServerAddress.String())
	w.reported("acc0", cpe, true)
	w.counted("src_asked", before+2)
}

func TestNFTFollowsInterfaces(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(func(o *Options) { o.Access = []string{"acc0", "sub[0-9]"} })
	s.send("acc1", cpe, lab.ServerAddress.String())
	w.silent("acc0", "on an interface that no pattern matches")
	must(t, s.Router.IP(t.Context(), "link set acc1 down", "link set acc1 name sub1", "link set sub1 up"))
	s.waitUp("sub1")
	w.update()
	s.send("acc1", cpe, lab.ServerAddress.String())
	w.reported("acc1", cpe, true)
}

// waitUp returns when an interface of the router's passes packets.
func (s *site) waitUp(name string) {
	s.t.Helper()
	for !slices.ContainsFunc(s.links(), func(l net.Interface) bool {
		return l.Name == name && l.Flags&net.FlagRunning != 0
	}) {
	}
}

// A name that both kinds of patterns match is core's.
func TestNFTCoreWins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(func(o *Options) { o.Access, o.Core = []string{"*"}, []string{"acc1", "c*"} })
	s.send("acc1", cpe, lab.RouterAddress.String())
	w.silent("acc0", "a source on a core interface")
	s.send("acc1", "2001:db8:9::1", "2001:db8:8000:1500::1")
	if seen := w.settle("acc0"); len(seen) != 1 || seen[0].Source {
		t.Errorf("got %v, want a destination", seen)
	}
}

func TestNFTReportsIPv4(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	must(t, s.Router.Sysctl("net.ipv4.conf.all.forwarding", "1"))
	must(t, s.Router.Do(func() error {
		return errors.Join(
			exec.Command("ip", "route", "add", "blackhole", "100.72.0.0/16", "proto", "158").Run(),
			exec.Command("ip", "address", "add", "192.0.2.1/24", "dev", "core0").Run())
	}))
	w := s.watch(func(o *Options) {
		o.Blocks = append(o.Blocks, netip.MustParsePrefix("100.72.0.0/16"))
	})
	s.send("acc0", "100.72.5.6", "192.0.2.1")
	s.send("acc0", "100.72.5.6", "192.0.2.1")
	w.reported("acc0", "100.72.5.6", true)
	s.send("core0", "192.0.2.9", "100.72.5.6")
	w.reported("core0", "100.72.5.6", false)
	for _, source := range []string{"100.73.5.6", "0.0.0.0", "192.0.2.1", "169.254.3.4"} {
		s.send("acc0", source, "192.0.2.1")
		w.silent("acc0", source)
	}
	u := Unknown{Address: netip.MustParseAddr("100.72.7.7"), Source: true, Interface: s.ports["acc0"].index}
	must(t, w.Suppress(u, time.Hour))
	s.send("acc0", "100.72.7.7", "192.0.2.1")
	w.silent("acc0", "suppressed")
	must(t, w.Allow(netip.MustParsePrefix("100.72.7.7/32")))
	s.send("acc0", "100.72.7.7", "192.0.2.1")
	w.reported("acc0", "100.72.7.7", true)
}
