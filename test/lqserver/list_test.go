package lqserver

import (
	"net/netip"
	"testing"
)

func TestList(t *testing.T) {
	b := delegated(clientA, "2001:db8:8000::/60", nil)
	other := delegated(clientB, "2001:db8:8000::/60", nil)
	t.Run("Set replaces the lease of the same prefix", func(t *testing.T) {
		l := NewList(segments, pools)
		l.Set(b)
		l.Set(other)
		if all := l.All(); len(all) != 1 || string(all[0].Client) != string(clientB) {
			t.Errorf("list: %+v", all)
		}
	})
	t.Run("Add does not", func(t *testing.T) {
		l := NewList(segments, pools)
		l.Add(b, other)
		if all := l.All(); len(all) != 2 {
			t.Errorf("list: %+v", all)
		}
	})
	t.Run("Remove takes out exactly that prefix", func(t *testing.T) {
		l := NewList(segments, pools)
		l.Add(b, other, delegated(clientA, "2001:db8:8000::/56", nil))
		if !l.Remove(b.Prefix) || l.Remove(b.Prefix) || len(l.All()) != 1 {
			t.Errorf("list: %+v", l.All())
		}
	})
	t.Run("an answer shows the list as it was when the query came", func(t *testing.T) {
		l := fixture()
		hold := NewHold(1)
		s := serve(t, l, func(o *Options) { o.Manner.PerLease, o.Faults.Hold = true, hold })
		conn := dial(t, s)
		conn.Write(byRelayID(testRelayID).frame())
		<-hold.Reached()
		for _, b := range l.All() {
			l.Remove(b.Prefix)
		}
		hold.Release()
		conn.CloseWrite()
		frames, err := drain(conn)
		must(t, err)
		if got := shape(parsed(t, frames)); got != "RDDDDE" {
			t.Errorf("answer %s", got)
		}
		if got := shape(messages(t, s, byRelayID(testRelayID))); got != "R" {
			t.Errorf("the next answer %s", got)
		}
	})
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"nowhere":       {DUID: testDUID},
		"dhcpd on TCP":  {Listener: newPipeListener(), DUID: testDUID, Manner: Dhcpd()},
		"no DUID":       {Listener: newPipeListener()},
		"too long DUID": {Listener: newPipeListener(), DUID: make([]byte, 131)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(o, NewList([]netip.Prefix{}, nil)); err == nil {
				t.Error("accepted")
			}
		})
	}
}
