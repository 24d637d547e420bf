//go:build linux

package ondemand

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
	"leaseroute/test/lqserver"
)

// said fails the test unless the daemon has logged one line that matches.
func (s *site) said(t *testing.T, want string) {
	t.Helper()
	if n := len(regexp.MustCompile("(?m)^.*"+want+".*$").FindAllString(s.Process().Output(), -1)); n != 1 {
		t.Errorf("%d lines say %q, want one", n, want)
	}
}

// TestGroupTaken has somebody else listen to the NFLOG group: nothing is
// noticed, and all else works.
func TestGroupTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1()))
	h, known := s.host(t, 1, 0), s.lease(2, 1)
	s.serve(t, 547, s.list(withheld(h.lease), known), lqserver.Options{})
	ulogd := s.takeGroup(t, 100)
	s.Start(t)
	st := s.status(t, func(st control.Status) error {
		if st.State != "recovered" || st.OnDemand.State != "failed" || st.Servers[0].Lookup != "ready" {
			return errors.New("not settled")
		}
		return nil
	})
	const why = "bind to NFLOG group 100: another process listens to this NFLOG group"
	if !strings.Contains(st.OnDemand.Error, why) {
		t.Errorf("the status says %q, want %q", st.OnDemand.Error, why)
	}
	if stdout, _, _ := s.Run(t, "status"); !strings.Contains(stdout, why) {
		t.Errorf("status does not say why:\n%s", stdout)
	}
	s.said(t, "on demand is off.*"+why)
	s.holds(t, known)
	s.hasTables(t)
	s.lookup(t, 1)
	s.holds(t, h.lease, known)
	h.pings(t, s.ctx)
	s.Stop(t)
	must(t, ulogd.Close())
	s.armed(t)
	s.Stop(t)
}

// takeGroup binds to an NFLOG group of the router's, as ulogd does.
func (s *site) takeGroup(t *testing.T, group uint16) *netlink.Conn {
	t.Helper()
	var conn *netlink.Conn
	must(t, s.Router.Do(func() (err error) {
		conn, err = netlink.Dial(unix.NETLINK_NETFILTER, nil)
		return err
	}))
	const config, command, bind = unix.NFNL_SUBSYS_ULOG<<8 | 1, 1, 1
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: command, Data: []byte{bind}}})
	must(t, err)
	_, err = conn.Execute(netlink.Message{
		Header: netlink.Header{Type: config, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, unix.NFNETLINK_V0}, group), attributes...),
	})
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestOff has the operator want nothing to be noticed.
func TestOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), "on_demand: { enabled: false }"))
	h, known := s.host(t, 1, 0), s.lease(2, 1)
	dhcp := s.serve(t, 547, s.list(withheld(h.lease), known), lqserver.Options{})
	s.Start(t)
	s.status(t, func(st control.Status) error {
		if st.State != "recovered" || st.Servers[0].Lookup != "ready" {
			return errors.New("not settled")
		}
		return nil
	})
	if st := s.Status(t); st.OnDemand.State != "off" || st.OnDemand.Error != "" {
		t.Errorf("on demand is %+v", st.OnDemand)
	}
	s.hasTables(t)
	core := s.sink(t)
	access := s.line(t, "acc0")
	for range 5 {
		access.sends(t, 1, "passes")
		core.next(t)
	}
	if n := dhcp.Stats().UDP.Received; n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
	s.exact(t, known)
	s.lookup(t, 1)
	s.holds(t, h.lease, known)
	s.Stop(t)
}

// TestPortTaken (R16) has another program hold the port that questions go out
// from, for a while.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, config(dhcp1(), "on_demand: { no_answer_ttl: 1s }"))
	h, known := s.host(t, 1, 0), s.lease(2, 1)
	dhcp := s.serve(t, 547, s.list(withheld(h.lease), known), lqserver.Options{})
	client, err := s.Router.ListenPacket("udp", fmt.Sprintf("[%s]:546", lab.RouterAddress))
	must(t, err)
	defer client.Close()
	s.Start(t)
	st := s.status(t, func(st control.Status) error {
		if st.State != "recovered" || st.OnDemand.State != "armed" || st.Servers[0].Lookup != "closed" ||
			!strings.Contains(st.Servers[0].LookupError, "another program has it") {
			return errors.New("not settled")
		}
		return nil
	})
	const why = "listen on UDP .*:546: another program has it, such as a DHCPv6 client"
	if !regexp.MustCompile(why).MatchString(st.Servers[0].LookupError) {
		t.Errorf("the status says %q, want %q", st.Servers[0].LookupError, why)
	}
	s.said(t, "no leasequeries over UDP for now.*"+why)
	s.holds(t, known)
	_, stderr, code := s.Run(t, "lookup", h.address.String())
	if code != 1 || !strings.Contains(stderr, "no server answered") {
		t.Errorf("lookup: exit %d, %q", code, stderr)
	}
	s.said(t, "no leasequeries over UDP for now") // and not at every try
	must(t, client.Close())
	s.isArmed(t)
	h.pings(t, s.ctx)
	s.exact(t, h.lease, known)
	if n := dhcp.Stats().UDP.Transactions; n != 1 {
		t.Errorf("the server was asked %d times, want once", n)
	}
	s.Stop(t)
}

// TestLateSource has the address that the server knows us by come late.
func TestLateSource(t *testing.T) {
	t.Parallel()
	const late = "2001:db8:0:1::77"
	s := newSite(t, config(dhcp1(fmt.Sprintf("source: %q", late)), "on_demand: { no_answer_ttl: 1s }"))
	h := s.host(t, 1, 0)
	dhcp := s.serve(t, 547, s.list(withheld(h.lease)), lqserver.Options{})
	s.Start(t)
	st := s.status(t, func(st control.Status) error {
		if st.OnDemand.State != "armed" || st.Servers[0].Lookup != "closed" || !strings.Contains(st.Servers[0].LookupError, late) {
			return errors.New("not settled")
		}
		return nil
	})
	const why = "listen on UDP .*::77.:546: the address is not on any interface yet"
	if !regexp.MustCompile(why).MatchString(st.Servers[0].LookupError) {
		t.Errorf("the status says %q, want %q", st.Servers[0].LookupError, why)
	}
	s.said(t, "no leasequeries over UDP for now.*"+why)
	must(t, s.Router.IP(s.ctx, "address add "+late+"/64 dev core0 nodad"))
	s.isArmed(t)
	h.pings(t, s.ctx)
	s.exact(t, h.lease)
	if n := dhcp.Stats().UDP.Transactions; n != 1 {
		t.Errorf("the server was asked %d times, want once", n)
	}
	s.Stop(t)
}
