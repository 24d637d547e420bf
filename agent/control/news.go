package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The kinds of events in the stream of /v1/watch (docs/events.md).
const (
	EventBegin          = "begin"
	EventBindingAdded   = "binding-added"
	EventBindingChanged = "binding-changed"
	EventBindingRemoved = "binding-removed"
	EventRouteInstalled = "route-installed"
	EventRouteRemoved   = "route-removed"
	EventRouteRefused   = "route-refused"
	EventRouteRepaired  = "route-repaired"
	EventServer         = "server"
	EventRecovery       = "recovery"
	EventMissed         = "missed"
)

// News is one line of the stream of /v1/watch. Of the fields from Binding on
// one at most is there: the one that the event is about.
type News struct {
	Seq   uint64    `json:"seq"`   // 1 for the first line of a stream, and so on
	At    time.Time `json:"at"`    // when it happened
	Event string    `json:"event"` // what it is

	Binding  *BindingNews `json:"binding,omitempty"`  // binding-added, binding-changed, binding-removed
	Route    *RouteNews   `json:"route,omitempty"`    // route-installed, route-removed, route-refused, route-repaired
	Server   *ServerNews  `json:"server,omitempty"`   // server
	Recovery *StateNews   `json:"recovery,omitempty"` // begin, recovery
	Missed   uint64       `json:"missed,omitempty"`   // missed: how many events there was no room for
}

// BindingNews tells what became of a binding.
type BindingNews struct {
	Prefix string        `json:"prefix"`
	Kind   string        `json:"kind"`   // delegated prefix, address
	Old    *BindingState `json:"old"`    // null: there was none
	New    *BindingState `json:"new"`    // null: there is none any more
	Reason string        `json:"reason"` // why it stands as it does, or went
	Rule   string        `json:"rule"`   // the rule that decided; "" if none has a name
}

// BindingState is what a binding was, or is.
type BindingState struct {
	ClientDUID string     `json:"client_duid"`
	NextHop    string     `json:"next_hop"`
	Interface  string     `json:"interface"`
	ValidUntil *time.Time `json:"valid_until"` // null: for ever
	Source     string     `json:"source"`      // bulk, lookup, glean, notify, active, state, kernel
	Server     string     `json:"server"`
	State      string     `json:"state"` // installed, unresolved, suspect, refused, pending, kept
}

// RouteNews tells what the kernel did with a route.
type RouteNews struct {
	Prefix    string `json:"prefix"`
	NextHop   string `json:"next_hop"`  // "" of a route that was removed, and on a point-to-point interface
	Interface string `json:"interface"` // "" of a route that was removed
	Reason    string `json:"reason"`    // why it was written, removed or refused
	Rule      string `json:"rule"`
	Detail    string `json:"detail"` // the kernel's words, if it gave any
}

// ServerNews tells that a server is in another state.
type ServerNews struct {
	Name  string `json:"name"`
	Old   string `json:"old"`
	New   string `json:"new"`
	Error string `json:"error"` // of the last failure
}

// StateNews tells that the recovery is in another state. At the beginning of a
// stream both are the same.
type StateNews struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// Watch calls f with what the daemon tells until ctx ends, and then returns
// nil; with the error of f, or if the daemon ends the stream, why.
func Watch(ctx context.Context, c *Client, f func(News) error) error {
	resp, err := c.ask(ctx, http.MethodGet, "/v1/watch", nil)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer resp.Body.Close()
	for d := json.NewDecoder(resp.Body); ; {
		var n News
		err := d.Decode(&n)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the daemon has ended, has reloaded, or hung up since nobody read")
		case err != nil:
			return fmt.Errorf("read the daemon's news: %w", err)
		}
		if err := f(n); err != nil {
			return err
		}
	}
}
