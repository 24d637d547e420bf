package binding

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
	"unsafe"
)

// TestSize holds the record to its promise (LIMITS.md 3).
func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(record{}); n > 104 {
		t.Errorf("a record has %d octets, want at most 104", n)
	}
}

// TestNoAllocation is DESIGN.md 6: a steady table allocates nothing for an
// observation, be it a repeat or a renewal, won or lost.
func TestNoAllocation(t *testing.T) {
	base := time.Now()
	table := New(crowdPolicy, base)
	out := make([]Change, 0, BatchSize)
	batches := crowd(2000, base)
	_, out = apply(table, base, batches, out)
	if n := testing.AllocsPerRun(10, func() { apply(table, base, batches, out) }); n != 0 {
		t.Errorf("a repeat allocates %v times", n)
	}
	step := 0
	if n := testing.AllocsPerRun(10, func() {
		step++
		for _, b := range batches {
			for i := range b.Observations {
				o := &b.Observations[i]
				o.CLT, o.Received = o.CLT.Add(time.Hour), o.Received.Add(time.Hour)
				o.ValidUntil = o.ValidUntil.Add(time.Hour)
			}
		}
		apply(table, base.Add(time.Duration(step)*time.Hour), batches, out)
	}); n != 0 {
		t.Errorf("a renewal allocates %v times", n)
	}
}

// TestForgets has leases come and go: nothing that was made for them stays.
func TestForgets(t *testing.T) {
	l := newLab(t, openPolicy)
	for round := range 50 {
		for i := range 100 {
			client := binary.BigEndian.AppendUint32([]byte(alice), uint32(round*100+i))
			k := Key{Prefix: netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 0x80, byte(i)}), 48)}
			l.say(l.held(string(client), l.now, of(k), by(Server(1+i%3)), via(Interface(1+i%7), hop1)))
		}
		l.now += 4000
		l.expire()
	}
	c := l.table.Counts()
	if c.Bindings != 0 || c.Expired != 5000 || len(l.table.ports) != 0 {
		t.Errorf("counts are %+v, %d ports", c, len(l.table.ports))
	}
	if n := l.table.records.used; n > 100 {
		t.Errorf("%d records were made for 100 leases at a time", n)
	}
	if n := len(l.table.clients.duids.chunks); n > 2 {
		t.Errorf("DUIDs take %d chunks", n) // the story still names 5000 clients
	}
}

// TestStoryIsBounded fills the history twice over: the clients that only old
// events named are forgotten.
func TestStoryIsBounded(t *testing.T) {
	l := newLab(t, openPolicy)
	l.say(l.held(alice, -5))
	for i := range 2 * longestStory {
		l.say(l.held(fmt.Sprint("client", i), -50, by(2)))
	}
	if n := l.table.Counts().Clients; n != longestStory+1 {
		t.Errorf("%d clients are remembered, want %d", n, longestStory+1)
	}
	if n := len(l.table.Story(keyP)); n != longestStory+1 {
		t.Errorf("the story of P has %d events, want %d", n, longestStory+1)
	}
}

func TestTombstonesAreBounded(t *testing.T) {
	l := newLab(t, openPolicy)
	for i := range mostTombstones + 10 {
		k := Key{Prefix: netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, byte(i >> 16), byte(i >> 8), byte(i)}), 56)}
		l.say(l.held(alice, 0, of(k), saying(Withdrawn)))
	}
	if n := l.table.Counts().Tombstones; n != mostTombstones {
		t.Errorf("%d tombstones, want %d", n, mostTombstones)
	}
}

// TestOneClientWithEverything is the client that no walk may follow to its end
// for each of its leases.
func TestOneClientWithEverything(t *testing.T) {
	p := crowdPolicy
	p.MaxPerClient = 8
	table := New(p, time.Now())
	base := time.Now()
	for _, b := range crowd(200_000, base) {
		for i := range b.Observations {
			b.Observations[i].Client = []byte(alice)
		}
		table.Record(base, table.Apply(base, b, nil), nil)
	}
	if c := table.Counts(); c.States[Installed] != 8 || c.Refused[ClientLimit] != 200_000-8 {
		t.Errorf("counts are %+v", c)
	}
}

func TestNames(t *testing.T) {
	for r := range Reason(reasons) {
		if r.String() == "" {
			t.Errorf("reason %d has no words", r)
		}
	}
	for _, tt := range []struct {
		got  fmt.Stringer
		want string
	}{
		{FromKernel, "kernel"}, {FromGlean, "glean"}, {Source(99), "99"}, {Suspect, "suspect"}, {State(0), "0"},
		{Address, "address"}, {Withdraw, "withdraw"}, {NoAnswer, "no answer"}, {LaterCLT, "the client spoke to its server later"},
		{Reason(200), "unknown"},
	} {
		if s := tt.got.String(); s != tt.want {
			t.Errorf("got %q, want %q", s, tt.want)
		}
	}
	if LaterCLT.Rule() != "R77" || HeldBack.Rule() != "" || Reason(200).Rule() != "" {
		t.Error("rules are wrong")
	}
}

func BenchmarkExpireNothing(b *testing.B) {
	base := time.Now()
	table := New(crowdPolicy, base)
	apply(table, base, crowd(million, base), make([]Change, 0, BatchSize))
	for b.Loop() {
		table.Expire(base.Add(time.Second), nil)
	}
}
