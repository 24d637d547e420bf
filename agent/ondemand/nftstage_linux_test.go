package ondemand

import (
	"net/netip"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"leaseroute/test/lab"
)

// A tunnel is a point-to-point interface of the router's, as a PPP session is:
// its packets have no frames.
type tunnel struct {
	*os.File
	index int
}

func (s *site) tunnel(name string) *tunnel {
	s.t.Helper()
	var t tunnel
	must(s.t, s.Router.Do(func() error {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.File = os.NewFile(uintptr(fd), name)
		request, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(request))); errno != 0 {
			return errno
		}
		return nil
	}))
	s.t.Cleanup(func() { must(s.t, t.Close()) })
	must(s.t, s.Router.IP(s.t.Context(), "link set "+name+" up"))
	for _, i := range s.links() {
		if i.Name == name {
			t.index = i.Index
		}
	}
	return &t
}

// send sends a packet into the router.
func (t *tunnel) send(s *site, source string) {
	s.t.Helper()
	const ethernet = 14
	_, err := t.Write(s.frame("acc0", hostMAC(0), netip.MustParseAddr(source), lab.ServerAddress, nil)[ethernet:])
	must(s.t, err)
}

func TestNFTOnLinksWithoutSenders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tun := s.tunnel("ppp0")
	w := s.watch(func(o *Options) { o.Access = append(o.Access, "ppp*") })
	tun.send(s, cpe)
	u := w.next()
	if u.Address.String() != cpe || !u.Source || u.Interface != tun.index || u.MAC != nil {
		t.Errorf("got %v with MAC %v, want one by %d without", u, u.MAC, tun.index)
	}
}

// ONDEMAND 3.3: when the first bucket is empty, those are reported that come
// twice, as real hosts do.
func TestNFTSecondStage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tun := s.tunnel("ppp0")
	w := s.watch(func(o *Options) {
		o.Access = append(o.Access, "ppp*")
		o.Rates.First = Rate{1, 1}
	})
	const sources = 20
	for name, send := range map[string]func(mac uint32, source string){
		"ethernet":       func(mac uint32, source string) { s.sendFrom("acc0", hostMAC(mac), source, lab.ServerAddress.String()) },
		"point-to-point": func(_ uint32, source string) { tun.send(s, source) },
	} {
		t.Run(name, func(t *testing.T) {
			before := w.Stats()
			began := time.Now()
			twice := func(times uint64) {
				for i := range uint32(sources) {
					send(i, prefixed(0x8000+i).String())
				}
				w.await("src_unknown", before["src_unknown"]+times*sources)
			}
			twice(1)
			first := w.Stats()["src_asked"] - before["src_asked"]
			if most := 1 + uint64(time.Since(began)/time.Second); first > most {
				t.Errorf("%d reported at the first packet, want at most %d", first, most)
			}
			twice(2)
			if n := w.Stats()["src_asked"] - before["src_asked"]; n != sources {
				t.Errorf("%d reported at the second packet, want all %d", n, sources)
			}
		})
	}
}

// ONDEMAND 3.3: a set that is full leaves the word to the next rule.
func TestNFTFullSetsHideNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(func(o *Options) {
		o.Sizes = Sizes{Verified: 1, Pending: 1, Candidates: 1, MACs: 1, Interfaces: 1}
		o.Rates.MAC, o.Rates.First = Rate{1, 1}, Rate{1, 1}
		o.Rates.Total = Rate{1, 30}
	})
	server := lab.ServerAddress.String()
	s.sendFrom("acc0", hostMAC(1), cpe, server) // takes all the room
	w.next()
	for i := range uint32(10) {
		s.sendFrom("acc1", hostMAC(2), prefixed(0x8000+i).String(), server)
	}
	for range 10 {
		w.next()
	}
	for range 100 {
		s.sendFrom("acc1", hostMAC(2), prefixed(0x8000).String(), server)
	}
	w.await("src_unknown", 111)
	if n := w.Stats()["src_asked"]; n < 30 || n > 40 {
		t.Errorf("%d reported, of which the total rate lets 30 through", n)
	}
	err := w.Suppress(Unknown{Address: prefixed(1), Source: true, Interface: s.ports["acc1"].index}, time.Hour)
	if err == nil {
		t.Error("suppressed, although there is no room")
	}
	w.counted("suppressions_refused", 1)
	s.route("add 2001:db8:8000:1400::/56 via fe80::2 dev acc0 proto 158")
	s.route("add 2001:db8:8000:1500::/56 via fe80::2 dev acc0 proto 158")
	before := w.Stats()["src_unknown"]
	for _, source := range []string{"2001:db8:8000:1401::1", "2001:db8:8000:1501::1"} {
		must(t, s.ports["acc0"].Send(s.frame("acc0", hostMAC(1), netip.MustParseAddr(source), lab.ServerAddress, []byte("known"))))
		for s.arrived() != "known" {
		}
	}
	w.counted("src_unknown", before)
}

// ONDEMAND 10: while somebody scans, who tries the same destination again is
// told from the scanner.
func TestNFTFindsDestinationsInAScan(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(func(o *Options) { o.Rates.Destinations = Rate{1, 5} })
	server := lab.ServerAddress.String()
	for i := range uint32(100) {
		s.send("core0", server, prefixed(0x8000+i).String())
	}
	w.await("dst_unknown", 100)
	first := w.Stats()["dst_asked"]
	if first < 5 || first > 20 {
		t.Errorf("%d reported, the bucket holds 5", first)
	}
	s.send("core0", server, prefixed(0x8000+99).String())
	for u := w.next(); u.Address != prefixed(0x8000+99); {
		u = w.next()
	}
}
