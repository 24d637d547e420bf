package binding

import (
	"bytes"
	"fmt"
	"net/netip"
)

func (w *world) check() {
	t := w.t
	n := 0
	for b := range w.table.All() {
		n++
		l := w.model.leases[b.Key]
		if l == nil {
			t.Errorf("%v is in the table, not in the model: %+v", b.Key, b)
			continue
		}
		w.checkBinding(&b, l)
	}
	if n != len(w.model.leases) {
		t.Errorf("%d bindings, want %d", n, len(w.model.leases))
	}
	w.checkKernel()
	w.checkCounts()
}

func (w *world) checkBinding(b *Binding, l *lease) {
	port, hop := w.model.place(b.Key, l)
	got := fmt.Sprintf("client %x server %d/%x source %v valid %d recv %d doubt %v at %d %v iaid %d",
		b.Client, b.Server, b.ServerDUID, b.Source, w.ms(b.ValidUntil), w.ms(b.Received), b.Doubt, b.Interface, b.NextHop, b.IAID)
	want := fmt.Sprintf("client %x server %d/%x source %v valid %d recv %d doubt %v at %d %v iaid %d",
		l.client, l.server, l.duid, l.source, l.valid, l.recv, l.doubt, port, hop, l.iaid)
	if got != want {
		w.t.Errorf("%v:\ngot  %s\nwant %s", b.Key, got, want)
	}
	if l.source != FromKernel && (w.ms(b.CLT) != l.clt || b.HasSequence != (l.epoch > 0) || l.epoch > 0 && b.Sequence != l.seq) {
		w.t.Errorf("%v: CLT %d sequence %d, want %d, %d", b.Key, w.ms(b.CLT), b.Sequence, l.clt, l.seq)
	}
	w.checkState(b, l)
}

func (w *world) checkState(b *Binding, l *lease) {
	k := b.Key
	routed := b.State == Installed || b.State == Suspect
	switch {
	case b.State == Pending:
		w.t.Errorf("%v is pending at rest", k)
	case !w.model.wants(k, l):
		if routed {
			w.t.Errorf("%v has a route and should not", k)
		}
	case routed && w.foreign[k.Prefix]:
		w.t.Errorf("%v is said to have a route that is somebody else's", k)
	case routed != !w.foreign[k.Prefix]:
		w.checkRefusal(b, l)
	}
}

// checkRefusal is for a binding without a route that the model would give one.
func (w *world) checkRefusal(b *Binding, l *lease) {
	perClient, perPort := 0, 0
	port, _ := w.model.place(b.Key, l)
	for o := range w.table.All() {
		limited := o.Key.Kind == DelegatedPrefix && o.Interface == port && o.Reason != ClientLimit && o.Reason != PortLimit &&
			o.State != Unresolved && o.Reason != OutsideAllowed && o.Reason != LengthNotAllowed
		if limited {
			perPort++
			if bytes.Equal(o.Client, b.Client) {
				perClient++
			}
		}
	}
	ok := false
	switch b.Reason {
	case HeldBack:
		ok = w.p.HoldDoubtful && l.doubt == LifetimePassed
	case ClientLimit:
		ok = w.p.MaxPerClient > 0 && perClient >= w.p.MaxPerClient
	case PortLimit:
		ok = w.p.MaxPerPort > 0 && perPort >= w.p.MaxPerPort
	}
	if !ok {
		w.t.Errorf("%v is %v, %v: want a route", b.Key, b.State, b.Reason)
	}
}

// checkKernel compares the kernel with what the table says is there.
func (w *world) checkKernel() {
	want := 0
	for b := range w.table.All() {
		if b.State != Installed && b.State != Suspect {
			continue
		}
		want++
		route, ok := w.kernel[b.Key.Prefix]
		if !ok || route.NextHop != b.NextHop || route.Interface != b.Interface {
			w.t.Errorf("%v: kernel has %v %+v, want by %d %v", b.Key, ok, route, b.Interface, b.NextHop)
		}
		if off := w.expires(route) - w.ms(b.ValidUntil) - 600_000; ok && !route.Expires.IsZero() && b.Source != FromKernel && (off > 301_000 || off < -301_000) {
			w.t.Errorf("%v: kernel's expiry is off by %d ms", b.Key, off)
		}
	}
	if want != len(w.kernel) {
		w.t.Errorf("kernel has %d routes, table says %d: %v", len(w.kernel), want, w.kernel)
	}
	w.emit(w.table.Kernel(w.time(w.now), routesOf(w.kernel), nil))
	w.emit(w.table.KernelDone(w.time(w.now), nil))
	if len(w.queue) > 0 {
		w.t.Errorf("an audit of a right kernel changes it: %+v", w.queue)
	}
}

func routesOf(kernel map[netip.Prefix]Route) []Route {
	var list []Route
	for _, r := range kernel {
		list = append(list, r)
	}
	return list
}

func (w *world) checkCounts() {
	var c Counts
	for b := range w.table.All() {
		c.Bindings++
		c.States[b.State]++
		c.Sources[b.Source]++
		if b.Doubt != NoReason {
			c.Suspects++
		}
	}
	got := w.table.Counts()
	if got.Bindings != c.Bindings || got.States != c.States || got.Sources != c.Sources || got.Suspects != c.Suspects {
		w.t.Errorf("counts are %+v, want %+v", got, c)
	}
}
