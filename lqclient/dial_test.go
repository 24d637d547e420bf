package lqclient

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestConnectFailures(t *testing.T) {
	tests := []struct {
		name    string
		errno   syscall.Errno
		is      error
		words   string
		counter string
	}{
		{"R46 nobody listens", syscall.ECONNREFUSED, syscall.ECONNREFUSED, "nothing listens there", "connect_failures"},
		{"R46 no route", syscall.ENETUNREACH, syscall.ENETUNREACH, "no way to the server", "connect_failures"},
		{"R46 no neighbour", syscall.EHOSTUNREACH, syscall.EHOSTUNREACH, "no way to the server", "connect_failures"},
		{"R46 anything else is the system's words", syscall.EMFILE, syscall.EMFILE, "too many open files", "connect_failures"},
		{"a reset at once is a refusal", syscall.ECONNRESET, ErrRefused, "limit of connections", "refusals"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNotes(nil)
			_, err := connect(t.Context(), func(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", tt.errno)}
			}, testServer(), ourDUID, n)
			if !errors.Is(err, tt.is) || !errors.Is(err, tt.errno) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("error %v, want %v with the words %q", err, tt.is, tt.words)
			}
			for name, count := range n.counters.All() {
				if want := map[bool]uint64{true: 1}[name == tt.counter]; count != want {
					t.Errorf("%s is %d, want %d", name, count, want)
				}
			}
		})
	}
}
