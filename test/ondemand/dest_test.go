//go:build linux

package ondemand

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"leaseroute/test/lqserver"
)

// TestUnknownDestination (R93) has the core connect to subscribers whose
// leases the bulk answer withheld.
func TestUnknownDestination(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"accept", "guard"} {
		t.Run("R93 ONDEMAND 3.4 TCP connects by its second segment, mode "+mode, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config(dhcp1(), fmt.Sprintf("on_demand: { mode: %s }", mode)))
			h := s.host(t, 1, 0)
			dhcp := s.serve(t, 547, s.list(withheld(h.lease)), lqserver.Options{})
			to := netip.AddrPortFrom(h.address, 80)
			l, err := h.Listen("tcp", to.String())
			must(t, err)
			defer l.Close()
			s.armed(t)
			conn, err := s.Server.DialContext(s.ctx, "tcp", to.String())
			must(t, err)
			defer conn.Close()
			if n := retransmissions(t, conn); n != 1 {
				t.Errorf("it took %d repetitions, want 1", n)
			}
			st := s.landed(t)
			if n := dhcp.Stats().UDP.Transactions; n != 1 {
				t.Errorf("the server was asked %d times, want once; %s", n, brief(st))
			}
			s.exactly(t, map[string]uint64{"on_demand_detector_dst_asked": 1, "on_demand_detector_src_asked": 0})
			s.exact(t, h.lease)
			s.Stop(t)
		})
	}
}

// retransmissions are the segments that a connection has sent again so far.
func retransmissions(t *testing.T, conn net.Conn) (n uint32) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Total_retrans
		}
	}))
	must(t, err)
	return n
}
