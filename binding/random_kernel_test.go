package binding

import (
	"slices"
)

func (w *world) emit(out []Change) { w.queue = append(w.queue, out...) }

// run lets the kernel take n of the changes, and answers them in one batch.
func (w *world) run(n int) {
	n = min(n, len(w.queue))
	done := slices.Clone(w.queue[:n])
	w.queue = w.queue[n:]
	var failures []Failure
	for i := range done {
		if why := w.do(&done[i]); why != NoReason {
			failures = append(failures, Failure{Index: i, Reason: why})
		}
	}
	w.table.Record(w.time(w.now), done, failures)
	if w.r.IntN(2) == 0 {
		w.emit(w.table.Continue(w.time(w.now), nil))
	}
}

func (w *world) do(c *Change) Reason {
	p := c.Key.Prefix
	if c.Op == Withdraw {
		delete(w.kernel, p)
		return NoReason
	}
	switch {
	case w.foreign[p] && c.Op != Install:
		w.t.Fatalf("%v of %v, which is somebody else's", c.Op, p)
	case w.foreign[p]:
		return ForeignRoute
	case w.model.down[c.Interface]:
		if c.Op == Refresh {
			delete(w.kernel, p)
		}
		return InterfaceDown
	case w.noisy && w.r.IntN(8) == 0:
		return KernelRefused
	}
	if old, ok := w.kernel[p]; ok && c.Op == Refresh && (old.NextHop != c.NextHop || old.Interface != c.Interface) {
		w.t.Fatalf("refresh of %v would add a second next hop", p)
	}
	route := Route{Key: c.Key, NextHop: c.NextHop, Interface: c.Interface}
	if w.p.FailSafeMargin > 0 && c.ValidUntil != Forever {
		route.Expires = c.ValidUntil.Add(w.p.FailSafeMargin)
	}
	w.kernel[p] = route
	return NoReason
}

// flap takes an interface down or up.
func (w *world) flap() {
	i := Interface(1 + w.r.IntN(3))
	if w.model.down[i] {
		delete(w.model.down, i)
		w.emit(w.table.InterfaceUp(w.time(w.now), i, nil))
		return
	}
	w.model.down[i] = true
	for p, route := range w.kernel {
		if route.Interface == i {
			delete(w.kernel, p)
		}
	}
	if w.r.IntN(2) == 0 {
		w.table.InterfaceDown(w.time(w.now), i)
	} else {
		w.table.InterfaceMissing(w.time(w.now), i)
	}
}

// rob deletes one of our routes.
func (w *world) rob() {
	k := w.key()
	if _, ok := w.kernel[k.Prefix]; ok {
		delete(w.kernel, k.Prefix)
		w.emit(w.table.RouteGone(w.time(w.now), k, nil))
	}
}

// obstruct adds or removes somebody else's route.
func (w *world) obstruct() {
	p := w.key().Prefix
	if w.foreign[p] {
		delete(w.foreign, p)
		w.emit(w.table.Retry(w.time(w.now), p, nil))
		return
	}
	if _, ours := w.kernel[p]; !ours && !slices.ContainsFunc(w.queue, func(c Change) bool { return c.Key.Prefix == p }) {
		b, known := w.table.Get(Key{Prefix: p, Kind: DelegatedPrefix})
		if a, ok := w.table.Get(Key{Prefix: p, Kind: Address}); ok {
			b, known = a, ok
		}
		w.foreign[p] = !known || b.State == Unresolved
		if !w.foreign[p] {
			delete(w.foreign, p)
		}
	}
}

// audit dumps the kernel once it has done all that it was given.
func (w *world) audit() {
	w.run(len(w.queue))
	var routes []Route
	for _, k := range worldKeys {
		if route, ok := w.kernel[k.Prefix]; ok {
			routes = append(routes, route)
		}
	}
	for _, route := range routes {
		w.model.adopt(route, w.expires(route))
	}
	w.emit(w.table.Kernel(w.time(w.now), routes, nil))
	w.emit(w.table.KernelDone(w.time(w.now), nil))
	w.model.started = true
}

func (w *world) expires(r Route) int {
	if r.Expires.IsZero() {
		return 0
	}
	return w.ms(r.Expires)
}

// leftovers puts routes of an earlier life into the kernel.
func (w *world) leftovers() {
	for _, k := range worldKeys {
		if w.r.IntN(3) > 0 || k.Kind == Address && !w.p.InstallAddresses {
			continue
		}
		route := Route{Key: k, Interface: Interface(1 + w.r.IntN(3)), NextHop: worldHops[w.r.IntN(3)]}
		if w.p.FailSafeMargin > 0 {
			route.Expires = w.time(1000 * (1 + w.r.IntN(1200)))
		}
		w.kernel[k.Prefix] = route
	}
	w.audit()
}
