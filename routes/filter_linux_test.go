package routes

import (
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// passes reports whether the monitor's filter lets a message through.
func passes(t *testing.T, o Options, message []byte) bool {
	t.Helper()
	var program []bpf.Instruction
	for _, raw := range monitorFilter(4711, o) {
		program = append(program, raw.Disassemble())
	}
	vm, err := bpf.NewVM(program)
	must(t, err)
	n, err := vm.Run(message)
	must(t, err)
	return n > 0
}

// notification makes what the kernel sends when the socket port changed r.
func notification(port uint32, r route) []byte {
	e := newEncoder(r.table, r.protocol)
	b := e.append(nil, create, 0, &r)
	native.PutUint32(b[12:], port)
	// The kernel puts RTA_DST first, and RTA_TABLE behind it.
	const head, table = unix.NLMSG_HDRLEN + unix.SizeofRtMsg, 8
	dst := align(unix.SizeofRtAttr + r.prefix.Addr().BitLen()/8)
	out := append([]byte(nil), b[:head]...)
	out = append(out, b[head+table:head+table+dst]...)
	out = append(out, b[head:head+table]...)
	return append(out, b[head+table+dst:]...)
}

func TestMonitorFilter(t *testing.T) {
	o := options()
	o.Allowed = append(o.Allowed, netip.MustParsePrefix("3fff:1230::/28"), netip.MustParsePrefix("2001:db8:7000:4000::/50"), netip.MustParsePrefix("2001:db8:6000:5000:6000::/68"))
	tests := []struct {
		name     string
		port     uint32
		protocol uint8
		prefix   string
		want     bool
	}{
		{"our own doing", 4711, 158, home56, false},
		{"somebody else's, of our number", 1, 158, home56, true},
		{"the kernel's expiry of ours", 0, 158, home56, true},
		{"ours outside the allowed blocks", 1, 158, "2001:db8:1::/48", true},
		{"a connected prefix", 1, unix.RTPROT_KERNEL, "2001:db8:1::/64", true},
		{"foreign, inside the first block", 1, unix.RTPROT_BGP, home56, true},
		{"foreign, the block itself", 1, unix.RTPROT_BGP, "2001:db8:8000::/33", true},
		{"foreign, beside the block", 1, unix.RTPROT_BGP, "2001:db8:7fff::/56", false},
		{"foreign, inside a block of 28 bits", 1, unix.RTPROT_BGP, "3fff:123f::/48", true},
		{"foreign, beside it", 1, unix.RTPROT_BGP, "3fff:1240::/48", false},
		{"foreign, inside a block of 50 bits", 1, unix.RTPROT_BGP, "2001:db8:7000:7fff::/64", true},
		{"foreign, beside it", 1, unix.RTPROT_BGP, "2001:db8:7000:8000::/64", false},
		{"foreign, inside a block of 68 bits", 1, unix.RTPROT_BGP, "2001:db8:6000:5000:6fff::/80", true},
		{"foreign, beside it", 1, unix.RTPROT_BGP, "2001:db8:6000:5000:7000::/80", false},
		{"a foreign default route has no destination to judge by", 1, unix.RTPROT_BGP, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := route{protocol: tt.protocol, table: 254, metric: 20, kind: unix.RTN_UNICAST, index: 3, prefix: netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
			if tt.prefix != "" {
				r.prefix = netip.MustParsePrefix(tt.prefix)
			}
			b := notification(tt.port, r)
			if tt.prefix == "" { // such a one has no RTA_DST
				b = append(b[:unix.NLMSG_HDRLEN+unix.SizeofRtMsg:unix.NLMSG_HDRLEN+unix.SizeofRtMsg], b[unix.NLMSG_HDRLEN+unix.SizeofRtMsg+20:]...)
			}
			if got := passes(t, o, b); got != tt.want {
				t.Errorf("passes: %t, want %t", got, tt.want)
			}
		})
	}
	t.Run("a link always passes", func(t *testing.T) {
		b := finish(append(appendHeader(nil, unix.RTM_NEWLINK, 0, 0), make([]byte, unix.SizeofIfInfomsg)...), 0)
		if !passes(t, o, b) {
			t.Error("dropped")
		}
	})
	t.Run("very many blocks are not told apart", func(t *testing.T) {
		for i := range 5000 {
			o.Allowed = append(o.Allowed, netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/48", i)))
		}
		if n := len(monitorFilter(1, o)); n > 100 {
			t.Errorf("%d instructions", n)
		}
		if n := len(monitorFilter(1, Options{Allowed: o.Allowed[:maxFilterBlocks]})); n > 4096 {
			t.Errorf("%d instructions", n)
		}
	})
}
