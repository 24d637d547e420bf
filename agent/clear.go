package agent

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"leaseroute/agent/control"
	"leaseroute/binding"
)

// clearPoll is how often a clearing looks whether the installer has caught up.
const clearPoll = 10 * time.Millisecond

// serveClear removes bindings by the operator's word (RFC 8987, O-2): those at
// or inside ?prefix=, those of ?client=, those on ?interface=, and with several
// of these those that meet all. GET only counts them.
func (a *Agent) serveClear(w http.ResponseWriter, r *http.Request) {
	f, err := a.clearFilter(r)
	if err != nil {
		control.Refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	keys, err := a.keys(r.Context(), &f)
	if err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	answer := control.Cleared{Bindings: len(keys)}
	if r.Method == http.MethodPost {
		if answer, err = a.clear(r.Context(), keys, &f); err != nil {
			control.Refuse(w, http.StatusServiceUnavailable, "%d bindings were cleared, then: %v", answer.Bindings, err)
			return
		}
		a.log.WithField("bindings", answer.Bindings).WithField("routes", answer.Routes).Info("bindings were cleared by the operator")
	}
	control.Reply(w, answer)
}

// clearFilter reads which bindings to clear. An address stands for the lease
// that covers it.
func (a *Agent) clearFilter(r *http.Request) (filter, error) {
	q := r.URL.Query()
	f, err := a.parseFilter(map[string][]string{"interface": q["interface"], "client": q["client"]})
	if err != nil {
		return f, err
	}
	for _, asked := range q["prefix"] {
		p, err := parseAsked(asked)
		if err != nil {
			return f, err
		}
		if address, err := netip.ParseAddr(asked); err == nil {
			err = a.call(r.Context(), func() {
				if b, ok := a.owner.table.Lookup(address); ok {
					p = b.Key.Prefix
				}
			})
			if err != nil {
				return f, err
			}
		}
		f.within = append(f.within, p)
	}
	if f.all() {
		return f, errUnfiltered
	}
	return f, nil
}

// clear removes the bindings of keys that are still as wanted, in pieces that
// the installer can keep up with.
func (a *Agent) clear(ctx context.Context, keys []binding.Key, f *filter) (done control.Cleared, err error) {
	tick := time.NewTicker(clearPoll)
	defer tick.Stop()
	for part := range slices.Chunk(keys, page) {
		for cleared := false; !cleared; {
			err := a.call(ctx, func() {
				if cleared = len(a.owner.changes) < window; cleared {
					a.owner.clear(time.Now(), part, f, &done)
				}
			})
			if err != nil {
				return done, err
			}
			if cleared {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return done, ctx.Err()
			}
		}
	}
	return done, nil
}

// clear removes the bindings of keys that f wants, and counts them.
func (o *owner) clear(now time.Time, keys []binding.Key, f *filter, done *control.Cleared) {
	for _, k := range keys {
		b, ok := o.table.Get(k)
		if !ok || !f.wants(&b) {
			continue
		}
		before := len(o.changes)
		o.changes = o.table.Clear(now, k, o.changes)
		done.Bindings++
		for _, c := range o.changes[before:] {
			if c.Op == binding.Withdraw && c.Key == k {
				done.Routes++
			}
		}
	}
}
