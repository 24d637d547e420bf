package agent

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"leaseroute/agent/control"
	"leaseroute/binding"
)

const (
	// page is how many bindings are read from the table in one call of the
	// owner, so that showing a million of them holds nothing up.
	page = 4096
	// maxLists bounds the lists that are being sent at a time: a reader may
	// take long.
	maxLists = 16
)

// serveBindings streams one array of bindings, sorted by prefix.
func (a *Agent) serveBindings(w http.ResponseWriter, r *http.Request) {
	serveArray(a, w, r, func(b binding.Binding) (control.Binding, bool) { return a.showBinding(b), true })
}

// serveRoutes streams one array of the routes that the kernel holds for us.
func (a *Agent) serveRoutes(w http.ResponseWriter, r *http.Request) {
	serveArray(a, w, r, a.showRoute)
}

// serveArray streams what show makes of each binding that the request's filter
// wants, leaving out those for which show says false.
func serveArray[T any](a *Agent, w http.ResponseWriter, r *http.Request, show func(binding.Binding) (T, bool)) {
	f, err := a.parseFilter(r.URL.Query())
	if err != nil {
		control.Refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	if !a.lists.TryAcquire(1) {
		control.Refuse(w, http.StatusServiceUnavailable, "%d lists are being sent already: try again", maxLists)
		return
	}
	defer a.lists.Release(1)
	keys, err := a.keys(r.Context(), &f)
	if err != nil {
		control.Refuse(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	out := newArray(w)
	if err := sendBindings(r.Context(), a, keys, &f, out, show); err == nil {
		out.end()
	} // else the daemon stops, or the reader has gone: the array stays open, and so invalid
}

// sendBindings writes what show makes of the bindings that still are as wanted.
func sendBindings[T any](ctx context.Context, a *Agent, keys []binding.Key, f *filter, out *array, show func(binding.Binding) (T, bool)) error {
	for part := range slices.Chunk(keys, page) {
		found, err := a.read(ctx, part)
		if err != nil {
			return err
		}
		for _, b := range found {
			if !f.wants(&b) {
				continue
			}
			if v, ok := show(b); ok {
				if err := out.add(v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// An array is a JSON array that is written element by element.
type array struct {
	w    http.ResponseWriter
	json *json.Encoder
	next string // what comes before the next element
}

func newArray(w http.ResponseWriter) *array {
	w.Header().Set("Content-Type", "application/json")
	return &array{w: w, json: json.NewEncoder(w), next: "["}
}

func (l *array) add(v any) error {
	if _, err := l.w.Write([]byte(l.next)); err != nil {
		return err
	}
	l.next = ","
	return l.json.Encode(v)
}

func (l *array) end() {
	if l.next == "[" {
		_, _ = l.w.Write([]byte("[")) // the peer has gone: nobody is left to tell
	}
	_, _ = l.w.Write([]byte("]\n"))
}

// keys lists the leases that a filter wants, sorted.
func (a *Agent) keys(ctx context.Context, f *filter) ([]binding.Key, error) {
	var (
		keys  []binding.Key
		found []binding.Binding
	)
	for from := binding.Ref(0); ; {
		err := a.call(ctx, func() { found, from = a.owner.table.Page(from, page, found[:0]) })
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			break
		}
		for i := range found {
			if f.wants(&found[i]) {
				keys = append(keys, found[i].Key)
			}
		}
	}
	slices.SortFunc(keys, func(x, y binding.Key) int {
		if c := x.Prefix.Compare(y.Prefix); c != 0 {
			return c
		}
		return int(x.Kind) - int(y.Kind)
	})
	return slices.Compact(keys), nil // what went and came again may be there twice
}

// read returns the bindings of keys, without those that have gone meanwhile.
func (a *Agent) read(ctx context.Context, keys []binding.Key) ([]binding.Binding, error) {
	out := make([]binding.Binding, 0, len(keys))
	err := a.call(ctx, func() {
		for _, k := range keys {
			if b, ok := a.owner.table.Get(k); ok {
				out = append(out, b)
			}
		}
	})
	return out, err
}
