//go:build linux

package glean

import (
	"encoding/binary"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"leaseroute/agent/control"
	"leaseroute/test/lab"
)

// opaque is a DUID of any octets.
func opaque(duid []byte) dhcpv6.DUID {
	d, err := dhcpv6.DUIDFromBytes(duid)
	if err != nil {
		panic(err) // ours are well formed
	}
	return d
}

// leased is an IA_PD with a prefix and its lifetime in seconds.
func leased(p netip.Prefix, valid uint32) dhcpv6.Option {
	ia := &dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}}
	ia.Options.Add(prefixOption(p, time.Duration(valid)*time.Second))
	return ia
}

// TestTheft has a subscriber go for its neighbour's prefix.
func TestTheft(t *testing.T) {
	t.Parallel()
	p := newPrey(t)
	for i, l := range p.lines {
		where := []string{"on the same link", "on another link"}[i]
		mean := newSubscriber(thief + i)
		must(t, mean.solicit(p.ctx, l, false))
		own := mean.leases[l]
		p.places[string(mean.duid.ToBytes())] = place{mean.from, l.access.Name}
		p.exact(t)
		for _, kind := range []dhcpv6.MessageType{dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind} {
			t.Run("R79 L16 who asks for it by "+kind.String()+" "+where+" doesn't get it", func(t *testing.T) {
				must(t, mean.ask(p.ctx, l, kind, p.prefix))
				p.exact(t)
				p.intact(t)
			})
		}
		t.Run("G-9 who releases it "+where+" is not believed", func(t *testing.T) {
			p.disputed(t, func() {
				must(t, mean.ask(p.ctx, l, dhcpv6.MessageTypeRelease, p.prefix))
			})
			p.exact(t)
			p.intact(t)
		})
		must(t, mean.ask(p.ctx, l, dhcpv6.MessageTypeRelease, own))
		p.exact(t)
	}
	t.Run("what was in vain is counted and logged", func(t *testing.T) {
		before := p.Status(t).Counters
		if n := before["claims_repelled"]; n < before["releases_disputed"] || n == 0 {
			t.Errorf("%d claims were in vain, and %d releases", n, before["releases_disputed"])
		}
		p.WaitLine(t, regexp.MustCompile(`level=warning msg="a lease was claimed or released in vain" claims=\d+ duid=.* prefix="`+p.prefix.String()))
	})
	t.Run("G-9 who releases it in its client's name, and the server doesn't listen, is not believed", func(t *testing.T) {
		masked := p.masked()
		masked.server = opaque([]byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0x66})
		p.disputed(t, func() { must(t, masked.release(p.ctx, p.lines[1])) })
		p.exact(t)
		p.intact(t)
	})
	t.Run("G-9 R42 who releases it in its client's name is not believed, but the server's answer is", func(t *testing.T) {
		masked := p.masked()
		p.disputed(t, func() { must(t, masked.release(p.ctx, p.lines[1])) })
		p.held(t, p.cpe)
		// On a busy machine the question may have overtaken the Release on its
		// way into Kea: then the next one settles it.
		if _, errs, code := p.Run(t, "resync", "--wait"); code != 0 {
			t.Errorf("resync ends with %d: %s", code, errs)
		}
		p.exact(t)
		p.explained(t, p.prefix, "server says that nobody holds it [R42]")
	})
}

// masked is somebody on the other link who poses as the prey, in all but the
// IAID, which Kea wants to be the lease's.
func (p *prey) masked() *subscriber {
	c := newSubscriber(thief)
	c.duid, c.server = opaque(p.cpe.DUID), opaque(lab.KeaServerDUID)
	c.leases[p.lines[1]] = p.prefix
	leases, _ := p.kea.Leases()
	for _, l := range leases {
		if l.Prefix == p.prefix {
			binary.BigEndian.PutUint32(c.iaid[:], l.IAID)
		}
	}
	return c
}

// disputed waits until a Release is doubted, and the doubt is settled.
func (p *prey) disputed(t *testing.T, release func()) {
	t.Helper()
	before := p.Status(t).Counters
	release()
	p.Wait(t, "the Release to be doubted and settled", func(s control.Status) bool {
		asked := s.Counters["suspects_asked"] > before["suspects_asked"]
		return s.Counters["releases_disputed"] > before["releases_disputed"] && asked && s.ByState["suspect"] == 0
	})
	p.explained(t, p.prefix, "released by somebody who does not match the binding [G-9]")
}

// intact fails the test unless the prey's route never went, and moved nowhere.
func (p *prey) intact(t *testing.T) {
	t.Helper()
	for _, seen := range p.kernel.reset(t) {
		if seen == "gone "+p.prefix.String() || seen == newRoute(p.prefix, place{gateway: linkLocal(thief)}) {
			t.Errorf("the kernel told: %s", seen)
		}
	}
}
