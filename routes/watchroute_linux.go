package routes

// route takes in what somebody else did to a route of our table. A foreign
// route that replaced what had its metric may have replaced one of ours.
func (w *watcher) route(n notice, replaced bool) {
	r := &n.r
	if r.protocol == w.options.Protocol {
		w.ownRoute(n)
		return
	}
	w.foreignRoute(n)
	if !replaced || n.gone {
		return
	}
	switch r.metric {
	case w.options.Metric:
		if w.known.inside(r.prefix) {
			w.takenFrom(r)
		}
	case aggregateMetric:
		own := aggregateOf(r.prefix)
		own.protocol = w.options.Protocol
		w.known.note(notice{gone: true, r: own})
	}
}

// ownRoute takes in what somebody else, or its expiry, did to a route of ours.
// That it was changed is as good as gone: the table knows what it should be.
func (w *watcher) ownRoute(n notice) {
	switch {
	case n.r.aggregate():
		w.known.note(n)
		w.uncovered(n)
	case n.r.metric == w.options.Metric:
		w.takenFrom(&n.r)
	}
}

// takenFrom reports that our route of r's prefix is not as we made it. r's
// interface is ours only if r was.
func (w *watcher) takenFrom(r *route) {
	w.repairs.Add(1)
	e := Event{Kind: RouteGone, Prefix: r.prefix}
	if r.protocol == w.options.Protocol {
		e.Interface = w.links.now.Load().numberOf[r.index]
	}
	w.event(e)
}

// foreignRoute keeps what is known of others' routes.
func (w *watcher) foreignRoute(n notice) {
	before := w.known.held(n.r.prefix)
	w.known.note(n)
	after := w.known.held(n.r.prefix)
	switch {
	case before == 0 && after != 0:
		w.event(Event{Kind: ForeignAdded, Prefix: n.r.prefix})
	case before != 0 && after == 0 && !w.stillHeld(n.r):
		w.event(Event{Kind: ForeignGone, Prefix: n.r.prefix})
		w.uncovered(n)
	}
}

// stillHeld looks whether somebody else holds r's prefix after r has gone: at
// another metric, or by another next hop.
func (w *watcher) stillHeld(r route) bool {
	j := job{route: r}
	if err := w.lookBatch(w.query, []*job{&j}); err != nil || j.found != foreign {
		return false
	}
	w.known.note(notice{r: j.held})
	return true
}

// uncovered reports an allowed block whose covering route has just gone.
func (w *watcher) uncovered(n notice) {
	if n.gone && w.wantsAggregate(n.r.prefix) && !w.known.covered(n.r.prefix) {
		w.repairs.Add(1)
		w.event(Event{Kind: AggregateGone, Prefix: n.r.prefix})
	}
}
