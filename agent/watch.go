package agent

import (
	"slices"
	"time"

	"leaseroute/agent/control"
	"leaseroute/binding"
	"leaseroute/lqclient"
)

const (
	// maxWatchers bounds who follows what happens.
	maxWatchers = 16
	// watchQueue is how many events wait for one watcher. It is told how many
	// more there were.
	watchQueue = 8192
)

// news is one event, before it is put into words. Of the pointers one at most
// is not nil.
type news struct {
	at       time.Time
	binding  *binding.Transition
	route    *routeNews
	server   *serverNews
	recovery *recoveryNews
	missed   uint64
}

// routeNews is a change that the kernel took, or why it did not.
type routeNews struct {
	change  binding.Change
	failure *binding.Failure // nil: it did
}

type serverNews struct {
	number binding.Server
	old    lqclient.State
	status lqclient.Status
}

type recoveryNews struct{ old, new State }

// A watcher is somebody who follows what happens.
type watcher struct {
	queue  chan news // never closed: its reader also watches its request
	missed uint64    // not told yet; the owner's
}

// watching tells watchers what happens. It belongs to the owner, whom a
// watcher that is slow never holds up.
type watching struct {
	all     []*watcher
	state   State            // of the recovery, as told last
	servers []lqclient.State // as told last
}

// tell hands an event to all watchers that have room for it.
func (w *watching) tell(n news) {
	for _, v := range w.all {
		v.catchUp(n.at)
		if v.missed > 0 || !v.offer(n) {
			v.missed += max(n.missed, 1)
		}
	}
}

// catchUp tells a watcher how much it missed, as soon as there is room: before
// anything that came later.
func (v *watcher) catchUp(now time.Time) {
	if v.missed > 0 && v.offer(news{at: now, missed: v.missed}) {
		v.missed = 0
	}
}

func (v *watcher) offer(n news) bool {
	select {
	case v.queue <- n:
		return true
	default:
		return false
	}
}

// watch adds a watcher, whose first news is how far the recovery is.
func (o *owner) watch(v *watcher) {
	w := &o.watching
	if len(w.all) == 0 {
		w.state = o.recovery.state
		w.servers = w.servers[:0]
		for _, s := range o.servers {
			w.servers = append(w.servers, s.Status().State)
		}
		o.table.Follow(true)
	} else {
		o.tellWatchers(time.Now()) // what it does not need to hear
	}
	w.all = append(w.all, v)
	v.offer(news{at: time.Now(), recovery: &recoveryNews{w.state, w.state}})
}

// unwatch takes it away.
func (o *owner) unwatch(v *watcher) {
	w := &o.watching
	w.all = slices.DeleteFunc(w.all, func(x *watcher) bool { return x == v })
	if len(w.all) == 0 {
		o.table.Follow(false)
	}
}

// tellWatchers tells what has changed since the last call.
func (o *owner) tellWatchers(now time.Time) {
	w := &o.watching
	if len(w.all) == 0 {
		return
	}
	if missed := o.table.News(func(t binding.Transition) { w.tell(news{at: t.At, binding: &t}) }); missed > 0 {
		w.tell(news{at: now, missed: missed})
	}
	if s := o.recovery.state; s != w.state {
		w.tell(news{at: now, recovery: &recoveryNews{w.state, s}})
		w.state = s
	}
}

// tellServers tells which servers are in another state, and slow watchers what
// they missed.
func (o *owner) tellServers(now time.Time) {
	w := &o.watching
	if len(w.all) == 0 {
		return
	}
	for n, s := range o.servers {
		status := s.Status()
		if n < len(w.servers) && w.servers[n] != status.State {
			w.tell(news{at: now, server: &serverNews{binding.Server(n + 1), w.servers[n], status}})
			w.servers[n] = status.State
		}
	}
	for _, v := range w.all {
		v.catchUp(now)
	}
}

// tellRoutes tells what the kernel did with changes. That an expiry was
// rewritten is no news.
func (o *owner) tellRoutes(now time.Time, changes []binding.Change, failures []binding.Failure) {
	w := &o.watching
	if len(w.all) == 0 {
		return
	}
	failed := make(map[int]*binding.Failure, len(failures))
	for _, f := range failures {
		failed[f.Index] = &f
	}
	for i, c := range changes {
		if c.Op != binding.Refresh || failed[i] != nil {
			w.tell(news{at: now, route: &routeNews{c, failed[i]}})
		}
	}
}

// showNews puts an event into words.
func (a *Agent) showNews(n news) control.News {
	out := control.News{At: n.at.UTC().Round(0)}
	switch {
	case n.binding != nil:
		out.Event, out.Binding = a.showTransition(n.binding)
	case n.route != nil:
		out.Event, out.Route = a.showRouteNews(n.route)
	case n.server != nil:
		out.Event = control.EventServer
		out.Server = &control.ServerNews{
			Name: a.serverName(n.server.number), Old: string(n.server.old), New: string(n.server.status.State),
		}
		if err := n.server.status.Error; err != nil {
			out.Server.Error = err.Error()
		}
	case n.recovery != nil:
		out.Event = control.EventRecovery
		out.Recovery = &control.StateNews{Old: string(n.recovery.old), New: string(n.recovery.new)}
		if n.recovery.old == n.recovery.new {
			out.Event = control.EventBegin
		}
	default:
		out.Event, out.Missed = control.EventMissed, n.missed
	}
	return out
}

func (a *Agent) showTransition(t *binding.Transition) (string, *control.BindingNews) {
	event := control.EventBindingChanged
	switch binding.State(0) {
	case t.Before.State:
		event = control.EventBindingAdded
	case t.After.State:
		event = control.EventBindingRemoved
	}
	return event, &control.BindingNews{
		Prefix: t.Key.Prefix.String(), Kind: t.Key.Kind.String(),
		Old: a.showState(&t.Before), New: a.showState(&t.After),
		Reason: t.Reason.String(), Rule: t.Reason.Rule(),
	}
}

func (a *Agent) showState(b *binding.Binding) *control.BindingState {
	if b.State == 0 {
		return nil
	}
	return &control.BindingState{
		ClientDUID: duidText(b.Client), NextHop: address(b.NextHop), Interface: a.links.Name(b.Interface),
		ValidUntil: instant(b.ValidUntil), Source: b.Source.String(), Server: a.serverName(b.Server), State: b.State.String(),
	}
}

func (a *Agent) showRouteNews(r *routeNews) (string, *control.RouteNews) {
	out := &control.RouteNews{
		Prefix: r.change.Key.Prefix.String(), NextHop: address(r.change.NextHop), Interface: a.links.Name(r.change.Interface),
		Reason: r.change.Reason.String(), Rule: r.change.Reason.Rule(),
	}
	switch {
	case r.failure != nil:
		out.Reason, out.Rule, out.Detail = r.failure.Reason.String(), r.failure.Reason.Rule(), r.failure.Detail
		return control.EventRouteRefused, out
	case r.change.Op == binding.Withdraw:
		return control.EventRouteRemoved, out
	case r.change.Reason == binding.Repaired:
		return control.EventRouteRepaired, out
	}
	return control.EventRouteInstalled, out
}
