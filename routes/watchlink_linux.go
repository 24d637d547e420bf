package routes

import (
	"slices"

	"golang.org/x/sys/unix"
)

// seed takes over the devices that a snapshot knows.
func (w *watcher) seed(s *snapshot) {
	w.devices = make(map[int32]device, len(s.devices))
	for _, d := range s.devices {
		w.devices[d.index] = d
	}
}

// link takes in a message about an interface. Those of a bridge about its
// ports look alike, but do not tell of the interface itself.
func (w *watcher) link(m message) error {
	d, err := parseLink(m.payload)
	if err != nil || m.payload[0] != unix.AF_UNSPEC {
		return err
	}
	if m.kind == unix.RTM_DELLINK {
		w.removed(d.index)
	} else {
		w.device(d)
	}
	return nil
}

// device takes in the present state of an interface. A new name makes it
// another one. What goes down and up again at once is told as that: the kernel
// has deleted its routes.
func (w *watcher) device(d device) {
	old, known := w.devices[d.index]
	if known && old == d {
		return
	}
	if known && old.name != d.name {
		w.removed(d.index)
		old, known = device{}, false
	}
	w.devices[d.index], w.touched = d, true
	if !known {
		w.linkEvent(LinkAppeared, d.name)
	}
	switch {
	case d.up && !old.up:
		w.linkEvent(LinkUp, d.name)
	case !d.adminUp && old.adminUp: // a carrier that is lost takes no route along
		w.known.linkGone(d.index)
		w.linkEvent(LinkDown, d.name)
	}
}

func (w *watcher) removed(index int32) {
	if d, known := w.devices[index]; known {
		delete(w.devices, index)
		w.touched = true
		w.known.linkGone(index)
		w.linkEvent(LinkRemoved, d.name)
	}
}

// linkEvent reports on an access or core interface.
func (w *watcher) linkEvent(kind EventKind, name string) {
	if n := w.links.Number(name); n != 0 {
		w.event(Event{Kind: kind, Interface: n})
	}
}

// compare adds the events that the difference of two snapshots tells: other
// addresses, and if messages were lost, all else.
func (w *watcher) compare(old, now *snapshot) {
	if w.lost {
		w.catchUp(now)
	}
	before := make(map[string]Interface, len(old.interfaces))
	for _, i := range old.interfaces {
		before[i.Name] = i
	}
	for _, i := range now.interfaces {
		was, known := before[i.Name]
		if known && i.Number != 0 && !slices.Equal(was.Addresses, i.Addresses) {
			w.event(Event{Kind: LinkChanged, Interface: i.Number})
		}
	}
}

// catchUp takes in the devices as a list tells them.
func (w *watcher) catchUp(now *snapshot) {
	there := make(map[int32]bool, len(now.devices))
	for _, d := range now.devices {
		there[d.index] = true
		w.device(d)
	}
	for index := range w.devices {
		if !there[index] {
			w.removed(index)
		}
	}
}
