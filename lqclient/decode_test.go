package lqclient

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leaseroute/binding"
	"leaseroute/lqclient/wire"
)

// received is when the messages of these tests left the socket.
var received = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// A decoded is what a decoder made of messages.
type decoded struct {
	observations []binding.Observation
	counters     Counters
}

// decode runs messages of one answer through a decoder.
func decode(t testing.TB, s Server, o Options, source binding.Source, messages ...[]byte) decoded {
	t.Helper()
	out := make(chan *binding.Batch, 1000)
	n := newNotes(testLog())
	d := newDecoder(&o, &s, source, n, outbox{ctx: t.Context(), out: out})
	clock := wire.NewClock(received.Add(-time.Hour))
	for _, b := range messages {
		m, err := wire.Parse(b, s.SequenceOption)
		must(t, err)
		must(t, d.take(Part{Message: &m, Received: received, ServerDUID: serverDUID, clock: clock}))
	}
	must(t, d.flush())
	close(out)
	result := decoded{counters: n.counters.snapshot()}
	for b := range out {
		result.observations = append(result.observations, b.Observations...)
	}
	return result
}

// bulk is decode for a bulk answer without anything special.
func bulk(t testing.TB, messages ...[]byte) decoded {
	t.Helper()
	return decode(t, testServer(), Options{}, binding.FromBulk, messages...)
}

func delegated(p string) binding.Key {
	return binding.Key{Kind: binding.DelegatedPrefix, Prefix: netip.MustParsePrefix(p)}
}

// ago and in are instants relative to received.
func ago(seconds int) time.Time { return received.Add(-time.Duration(seconds) * time.Second) }
func in(seconds int) time.Time  { return received.Add(time.Duration(seconds) * time.Second) }

// compare compares observations.
func compare(t *testing.T, got []binding.Observation, want ...binding.Observation) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); diff != "" {
		t.Errorf("observations (-want +got)\n%s", diff)
	}
}

var id1 = wire.TransactionID{1, 2, 3}

func TestDecode(t *testing.T) {
	t.Run("C9 C107 R38 R71 R73 prefixes and addresses of one client share CLT and DUID, host bits go", func(t *testing.T) {
		got := bulk(t, data(id1, clientData(clientID(cpeDUID), prefix("2001:db8:8000:1234:5678::/60", 1800, 3600),
			address("2001:db8:1::7", 60, 120), clt(10))))
		common := binding.Observation{Source: binding.FromBulk, Server: 1, Client: cpeDUID, ServerDUID: serverDUID, Received: received, CLT: ago(10)}
		p, a := common, common
		p.Key, p.PreferredUntil, p.ValidUntil = delegated("2001:db8:8000:1230::/60"), in(1800), in(3600)
		a.Key, a.PreferredUntil, a.ValidUntil = binding.Key{Kind: binding.Address, Prefix: netip.MustParsePrefix("2001:db8:1::7/128")}, in(60), in(120)
		compare(t, got.observations, p, a)
		if got.counters.Bindings != 2 || got.counters.NoRelayData != 1 {
			t.Errorf("counters %+v", got.counters)
		}
	})
	skipped := []struct {
		name, counter string
		value         []byte
	}{
		{"C35 R35 client data without CLT_TIME is skipped, its neighbour is used", "no_clt",
			clientData(clientID(cpeDUID), prefix("2001:db8:8000::/56", 1, 2))},
		{"C36 R36 client data without client-id is skipped, its neighbour is used", "no_client_id",
			clientData(prefix("2001:db8:8000::/56", 1, 2), clt(1))},
		{"C36 R36 client data without a lease is skipped, its neighbour is used", "no_lease",
			clientData(clientID(cpeDUID), clt(1))},
		{"C17 R33 client data with an option cut off is skipped, its neighbour is used", "malformed_client_data",
			option(45, clientID(cpeDUID), prefix("2001:db8:8000::/56", 1, 2)[:20])},
		{"C20 a DUID of two octets is no DUID", "malformed_client_data",
			clientData(clientID([]byte{0, 1}), prefix("2001:db8:8000::/56", 1, 2), clt(1))},
		{"C106 R37 a prefix of length 0 is skipped", "malformed_leases",
			clientData(clientID(cpeDUID), prefix("::/0", 1, 2), clt(1))},
		{"C106 R37 a prefix of length 129 is skipped", "malformed_leases",
			clientData(clientID(cpeDUID), prefix("2001:db8:8000::/129", 1, 2), clt(1))},
		{"C106 R37 a prefix of length 200 is skipped", "malformed_leases",
			clientData(clientID(cpeDUID), prefix("2001:db8:8000::/200", 1, 2), clt(1))},
	}
	for _, tt := range skipped {
		t.Run(tt.name, func(t *testing.T) {
			got := bulk(t, data(id1, tt.value, lease("2001:db8:8000:100::/56")))
			if len(got.observations) != 1 || got.observations[0].Key != delegated("2001:db8:8000:100::/56") {
				t.Errorf("observations %v, want the neighbour alone", got.observations)
			}
			if value := counter(t, got.counters, tt.counter); value != 1 {
				t.Errorf("%s = %d, want 1", tt.counter, value)
			}
		})
	}
	t.Run("R37 a lease that is malformed costs no other of the same client", func(t *testing.T) {
		got := bulk(t, data(id1, clientData(clientID(cpeDUID), clt(1), prefix("::/0", 1, 2), prefix("2001:db8:8000::/56", 1, 2))))
		if len(got.observations) != 1 || got.counters.NoLease != 0 {
			t.Errorf("observations %v, want one", got.observations)
		}
	})
}

func TestLifetimes(t *testing.T) {
	const forever = 0xffffffff
	tests := []struct {
		name                  string
		preferred, valid, clt uint32
		statement             binding.Statement
		preferredUntil        time.Time
		validUntil            time.Time
		doubtful              bool
		capped                uint64
	}{
		{"R73 lifetimes count from the message", 1800, 3600, 10, binding.Held, in(1800), in(3600), false, 0},
		{"C104 R73 an infinite lifetime", forever, forever, 10, binding.Held, binding.Forever, binding.Forever, false, 0},
		{"fact 8: an infinite lifetime less the elapsed time", forever - 100, forever - 100, 100, binding.Held, binding.Forever, binding.Forever, false, 0},
		{"C104 R88 a valid lifetime of 0 withdraws", 0, 0, 10, binding.Withdrawn, received, received, false, 0},
		{"fact 11: a withdrawal is not doubted", 43200, 0, 87000, binding.Withdrawn, received, received, false, 0},
		{"fact 2: CLT above valid is doubtful", 43200, 86400, 87000, binding.Held, in(43200), in(86400), true, 0},
		{"fact 2: CLT equal to valid is doubtful", 60, 120, 120, binding.Held, in(60), in(120), true, 0},
		{"fact 2: CLT just below valid is not", 60, 120, 119, binding.Held, in(60), in(120), false, 0},
		{"C105 R37 preferred above valid is capped", 4294967290, 46, 10, binding.Held, in(46), in(46), false, 1},
		{"C105 R37 an infinite preferred lifetime is capped", forever, 46, 10, binding.Held, in(46), in(46), false, 1},
		{"R73 preferred 0 is deprecated, and held", 0, 46, 10, binding.Held, received, in(46), false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := bulk(t, data(id1, clientData(clientID(cpeDUID), clt(tt.clt), prefix("2001:db8:8000::/56", tt.preferred, tt.valid))))
			compare(t, got.observations, binding.Observation{
				Key: delegated("2001:db8:8000::/56"), Statement: tt.statement, Source: binding.FromBulk, Server: 1,
				Client: cpeDUID, ServerDUID: serverDUID, Received: received, CLT: ago(int(tt.clt)),
				PreferredUntil: tt.preferredUntil, ValidUntil: tt.validUntil, Doubtful: tt.doubtful,
			})
			if got.counters.PreferredCapped != tt.capped {
				t.Errorf("preferred_capped = %d, want %d", got.counters.PreferredCapped, tt.capped)
			}
		})
	}
	t.Run("fact 2: the answer to a question about a lease is beyond doubt", func(t *testing.T) {
		got := decode(t, testServer(), Options{}, binding.FromLookup,
			data(id1, clientData(clientID(cpeDUID), clt(87000), prefix("2001:db8:8000::/56", 43200, 86400))))
		if o := got.observations[0]; o.Doubtful || o.Source != binding.FromLookup || got.counters.Doubtful != 0 {
			t.Errorf("observation %+v, want no doubt", o)
		}
	})
}

func TestBaseTime(t *testing.T) {
	t.Run("C102 R72 a message that waited is as old as its base time says", func(t *testing.T) {
		base := func(seconds uint32) []byte { return option(100, u32(seconds)) }
		got := bulk(t,
			data(id1, base(1000), lease("2001:db8:8000::/56")),
			data(id1, base(970), lease("2001:db8:8000:100::/56"))) // read at the same instant, made 30 s earlier
		first, second := got.observations[0], got.observations[1]
		if !first.CLT.Equal(ago(10)) || !second.CLT.Equal(ago(40)) || !second.ValidUntil.Equal(in(3570)) || !second.Received.Equal(received) {
			t.Errorf("CLT %s and %s, valid until %s", first.CLT, second.CLT, second.ValidUntil)
		}
	})
}

func TestSequence(t *testing.T) {
	s := testServer()
	s.SequenceOption = 65004
	number := func(n uint64) []byte { return option(65004, binary.BigEndian.AppendUint64(nil, n)) }
	t.Run("C101 R81 a message without a number does not take the REPLY's", func(t *testing.T) {
		got := decode(t, s, Options{}, binding.FromBulk,
			reply(id1, number(7), lease("2001:db8:8000::/56")), data(id1, lease("2001:db8:8000:100::/56")))
		if first, second := got.observations[0], got.observations[1]; !first.HasSequence || first.Sequence != 7 || second.HasSequence {
			t.Errorf("first %d (%t), second %t; want 7 and none", first.Sequence, first.HasSequence, second.HasSequence)
		}
	})
	t.Run("R83 numbers count only where configured", func(t *testing.T) {
		if got := bulk(t, reply(id1, number(7), lease("2001:db8:8000::/56"))); got.observations[0].HasSequence {
			t.Error("a sequence number was taken without configuration")
		}
	})
	t.Run("R86 four octets are marked as such", func(t *testing.T) {
		got := decode(t, s, Options{}, binding.FromBulk, data(id1, option(65004, u32(7)), lease("2001:db8:8000::/56")))
		if o := got.observations[0]; !o.Sequence32 || o.Sequence != 7 {
			t.Errorf("sequence %d, 32 bits %t", o.Sequence, o.Sequence32)
		}
	})
}

func TestWhereTheClientIs(t *testing.T) {
	gateway := netip.MustParseAddr("fe80::1")
	options := Options{
		Resolve: func(relays []binding.Relay) (binding.Interface, netip.Addr) {
			if string(relays[0].InterfaceID) == "acc0" {
				return 7, gateway
			}
			return 0, netip.Addr{}
		},
		ResolveAddress: func(a netip.Addr) binding.Interface { return 8 },
	}
	ours, foreign := relayData("2001:db8:1::1", "fe80::1", "acc0"), relayData("2001:db8:ffff::1", "fe80::9", "x")
	p := prefix("2001:db8:8000::/56", 1800, 3600)
	tests := []struct {
		name    string
		message []byte
		at      binding.Interface
		next    netip.Addr
	}{
		{"R90 relay data inside the client data", data(id1, clientData(clientID(cpeDUID), clt(1), p, ours)), 7, gateway},
		{"C13 relay data at message level", data(id1, ours, clientData(clientID(cpeDUID), clt(1), p)), 7, gateway},
		{"C13 the inner relay data wins", data(id1, foreign, clientData(clientID(cpeDUID), clt(1), p, ours)), 7, gateway},
		{"R90 relay data that leads nowhere", data(id1, clientData(clientID(cpeDUID), clt(1), p, foreign)), 0, netip.Addr{}},
		{"C113 no relay data", data(id1, clientData(clientID(cpeDUID), clt(1), p)), 0, netip.Addr{}},
		{"an address without relay data is where its link is",
			data(id1, clientData(clientID(cpeDUID), clt(1), address("2001:db8:1::7", 60, 120))), 8, netip.Addr{}},
		{"an address with relay data is where that says",
			data(id1, clientData(clientID(cpeDUID), clt(1), address("2001:db8:1::7", 60, 120), ours)), 7, gateway},
		{"fact 7: relay data that is cut off behind the first relay",
			data(id1, clientData(clientID(cpeDUID), clt(1), p, option(47, append(ours[4:], 0, 9, 0, 99)))), 7, gateway},
		{"fact 7: relay data that is cut off at once",
			data(id1, clientData(clientID(cpeDUID), clt(1), p, option(47, ours[4:14]))), 0, netip.Addr{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decode(t, testServer(), options, binding.FromBulk, tt.message)
			if len(got.observations) != 1 {
				t.Fatalf("%d observations, want 1", len(got.observations))
			}
			if o := got.observations[0]; o.Interface != tt.at || o.NextHop != tt.next {
				t.Errorf("interface %d, next hop %s; want %d, %s", o.Interface, o.NextHop, tt.at, tt.next)
			}
		})
	}
}

// kea returns captured messages by name.
func kea(t testing.TB, pattern string) (messages [][]byte) {
	t.Helper()
	names, err := filepath.Glob("testdata/kea/" + pattern)
	must(t, err)
	slices.Sort(names)
	for _, name := range names {
		b, err := os.ReadFile(name)
		must(t, err)
		messages = append(messages, b)
	}
	if len(messages) == 0 {
		t.Fatalf("no test data %s", pattern)
	}
	return messages
}

func TestKeaAnswer(t *testing.T) {
	got := bulk(t, kea(t, "v6-tcp-relayid.*.bin")[:12]...)
	if len(got.observations) != 11 || got.counters.Bindings != 11 {
		t.Fatalf("%d observations, want 11", len(got.observations))
	}
	if o := got.observations[3]; o.ValidUntil != binding.Forever {
		t.Errorf("fact 8: valid until %s, want for ever", o.ValidUntil)
	}
	if o := got.observations[5]; len(o.Client) != 128 {
		t.Errorf("C20: DUID of %d octets, want 128", len(o.Client))
	}
	if !bytes.Equal(got.observations[1].Client, got.observations[9].Client) {
		t.Error("C75 R59: two leases of one client in two messages have different DUIDs")
	}
	stale := bulk(t, kea(t, "v6-tcp-twohop-stale.data.bin")...)
	if !stale.observations[0].Doubtful {
		t.Error("fact 2: a lease that expired 600 s ago is not doubted")
	}
}

func TestBatches(t *testing.T) {
	t.Run("full batches are handed on, and their memory is their own", func(t *testing.T) {
		var messages [][]byte
		for i := range 600 {
			duid := binary.BigEndian.AppendUint32([]byte("\x00\x03\x00\x01"), uint32(i))
			messages = append(messages, data(id1, clientData(clientID(duid), clt(1), prefix("2001:db8:8000::/56", 60, 120))))
		}
		got := bulk(t, messages...)
		for i, o := range got.observations {
			if binary.BigEndian.Uint32(o.Client[4:]) != uint32(i) || !bytes.Equal(o.ServerDUID, serverDUID) {
				t.Fatalf("observation %d is of client %x, server %x", i, o.Client, o.ServerDUID)
			}
		}
		if len(got.observations) != 600 {
			t.Errorf("%d observations, want 600", len(got.observations))
		}
	})
	t.Run("DESIGN 6 decoding allocates nothing in steady state", func(t *testing.T) {
		out := make(chan *binding.Batch, 1)
		s := testServer()
		o := Options{Resolve: func([]binding.Relay) (binding.Interface, netip.Addr) { return 7, netip.Addr{} }}
		d := newDecoder(&o, &s, binding.FromBulk, newNotes(nil), outbox{ctx: t.Context(), out: out})
		m, err := wire.Parse(data(id1, clientData(clientID(cpeDUID), clt(1), prefix("2001:db8:8000::/56", 60, 120),
			relayData("2001:db8:1::1", "fe80::1", "acc0"))), 0)
		must(t, err)
		p := Part{Message: &m, Received: received, ServerDUID: serverDUID, clock: wire.NewClock(received)}
		step := func() {
			for range 2 * binding.BatchSize {
				must(t, d.take(p))
				select {
				case b := <-out:
					b.Free()
				default:
				}
			}
		}
		step()
		const lost = 16 // under the race detector, the pool loses a batch now and then
		if allocs := testing.AllocsPerRun(100, step); allocs > lost {
			t.Errorf("%v allocations for %d bindings", allocs, 2*binding.BatchSize)
		}
	})
}
