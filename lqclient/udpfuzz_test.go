package lqclient

import (
	"net/netip"
	"testing"
	"time"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// FuzzReply feeds a lookup with whatever a server's address might answer over
// UDP. It must be taken or dropped, and the observations must be such as the
// table may rely on.
func FuzzReply(f *testing.F) {
	f.Add(reply(id1, lease("2001:db8:8000::/56"), relayData("2001:db8:1::1", "fe80::7", "acc0")))
	f.Add(reply(id1, linkOf("2001:db8:1::", "::")))
	f.Add(reply(id1, status(notConfigured)))
	f.Add(reply(id1, clientData(clientID(cpeDUID), address("2001:db8:1::7", 1, 2), clt(1_790_000_000))))
	f.Fuzz(func(t *testing.T, message []byte) {
		out := make(chan *binding.Batch, len(message)+1)
		s, o, n := testServer().withDefaults(), Options{}, newNotes(nil)
		u := newUDPAsker(NewPort(netip.AddrPort{}, nil), s, ourDUID, n)
		m := u.valid(datagram{message, time.Now()})
		if m == nil {
			return
		}
		a := Answer{Sent: time.Now()}
		d := newDecoder(&o, &s, binding.FromLookup, n, outbox{ctx: t.Context(), out: out})
		links, err := u.reply(Part{Message: m, Received: time.Now(), ServerDUID: m.ServerID, clock: wire.NewClock(a.Sent)}, &a, target.query(), d)
		if len(links) > maxClientLinks || err != nil && links != nil {
			t.Errorf("%d links, %v", len(links), err)
		}
		close(out)
		for b := range out {
			for _, o := range b.Observations {
				checkObservation(t, o)
			}
			b.Free()
		}
	})
}
