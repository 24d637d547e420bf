package binding

import "testing"

// TestNewsAddUp replays news over random events: what a follower pieces
// together from them is always what the table holds.
func TestNewsAddUp(t *testing.T) {
	for seed := range uint64(40) {
		w := newWorld(t, seed)
		w.table.Follow(true)
		followed := make(map[Key]Binding)
		for range 400 {
			w.step()
			missed := w.table.News(func(n Transition) { follow(t, followed, n) })
			if missed != 0 {
				t.Fatalf("%d changes were missed", missed)
			}
		}
		for b := range w.table.All() {
			if f := followed[b.Key]; !sameButTime(&f, &b) {
				t.Fatalf("seed %d: %v is %+v, and by the news %+v", seed, b.Key, b, f)
			}
			delete(followed, b.Key)
		}
		if len(followed) > 0 {
			t.Fatalf("seed %d: by the news there is also %v", seed, followed)
		}
	}
}

// follow does what the news say.
func follow(t *testing.T, followed map[Key]Binding, n Transition) {
	t.Helper()
	if was := followed[n.Key]; was.State != n.Before.State || was.State != 0 && !sameButTime(&was, &n.Before) {
		t.Fatalf("%v was %+v, and the news say that it was %+v", n.Key, was, n.Before)
	}
	if n.After.State == 0 {
		delete(followed, n.Key)
		if n.Reason == NoReason {
			t.Fatalf("%v went without a reason", n.Key)
		}
		return
	}
	followed[n.Key] = n.After
}

// sameButTime leaves out when the lease ends: small steps are no news.
func sameButTime(a, b *Binding) bool {
	x := *a
	x.ValidUntil = b.ValidUntil
	return x.same(b, 0)
}

// TestNewsAreBounded has more change than there is room for.
func TestNewsAreBounded(t *testing.T) {
	w := newWorld(t, 1)
	w.table.Follow(true)
	f := w.table.followed
	for i := range mostNews + 3 {
		k := packedKey{bits: 56}
		k.addr[0], k.addr[1], k.addr[2] = byte(i>>16), byte(i>>8), byte(i)
		w.table.touchNew(k)
	}
	if len(f.order) != mostNews || f.missed != 3 {
		t.Errorf("%d changes noted and %d missed, want %d and 3", len(f.order), f.missed, mostNews)
	}
	if missed := w.table.News(func(Transition) { t.Error("nothing came of it, and it is told") }); missed != 3 {
		t.Errorf("%d missed, want 3", missed)
	}
	w.table.Follow(false)
	if w.step(); w.table.News(func(Transition) { t.Error("told though nobody follows") }) != 0 {
		t.Error("missed though nobody follows")
	}
}
