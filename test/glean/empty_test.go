//go:build linux

package glean

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// TestRepliesThatHoldNothing has the subscriber say, and hear, what no lease
// comes of, with its own prefix in it for another's eyes.
func TestRepliesThatHoldNothing(t *testing.T) {
	t.Parallel()
	v := newSolo(t)
	client, granted := newSubscriber(1), &dhcpv6.OptStatusCode{StatusCode: iana.StatusSuccess}
	tests := []struct {
		name    string
		ask     dhcpv6.MessageType
		answer  dhcpv6.Option
		counter string
		asked   uint64 // about the client
	}{
		{"R98 a Confirm is granted, and its client asked about", dhcpv6.MessageTypeConfirm, granted, "glean_empty", 1},
		{"R98 a Confirm is refused", dhcpv6.MessageTypeConfirm, &dhcpv6.OptStatusCode{StatusCode: iana.StatusNotOnLink}, "glean_refused", 0},
		{"L15 a Confirm is answered with a lease, and its client asked about", dhcpv6.MessageTypeConfirm, leased(block(2), 3600), "glean_empty", 1},
		{"L15 a Decline", dhcpv6.MessageTypeDecline, granted, "glean_empty", 0},
		{"L15 a Decline is answered with a lease", dhcpv6.MessageTypeDecline, leased(block(2), 3600), "glean_empty", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := v.Status(t).Counters["glean_questions"]
			ask := client.message(tt.ask, block(1))
			v.counts(t, "glean_opened", func() { must(t, v.lines[0].send(v.ctx, client.from, ask)) })
			v.counts(t, tt.counter, func() { v.answer(t, replyTo(v.Access[0], client, ask.TransactionID, tt.answer)) })
			v.unharmed(t)
			if n := v.Status(t).Counters["glean_questions"] - before; n != tt.asked {
				t.Errorf("asked about %d clients, want %d", n, tt.asked)
			}
		})
	}
	t.Run("L15 a Reconfigure", func(t *testing.T) {
		b := replyTo(v.Access[0], client, dhcpv6.TransactionID{}, leased(block(2), 3600))
		const inner = 34 + 4 // the relay's header, and the option's around the message
		b[inner] = byte(dhcpv6.MessageTypeReconfigure)
		v.counts(t, "glean_reconfigures", func() { v.answer(t, b) })
		v.unharmed(t)
	})
}

// TestReleaseThatNobodyAnswers has the subscriber say goodbye to a server that
// does not hear it.
func TestReleaseThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	v := newSolo(t)
	t.Run("G-9 C109 it takes the route out on sight", func(t *testing.T) {
		client, l := newSubscriber(1), v.lines[0]
		client.server, client.leases = opaque(lab.KeaServerDUID), map[*line]netip.Prefix{l: block(1)}
		must(t, client.release(v.ctx, l))
		v.Wait(t, "the Release", func(s control.Status) bool { return s.Bindings == 0 })
		v.gone(t, block(1))
		if seen := v.kernel.reset(t); !slices.Equal(seen, []string{"gone " + block(1).String()}) {
			t.Errorf("the kernel told %q", seen)
		}
		v.explained(t, block(1), "glean (Release, on acc0): released by its client [R89]")
	})
}
