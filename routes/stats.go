package routes

import (
	"sync/atomic"

	"leaseroute/binding"
)

// Stats counts what a Kernel did since it was opened.
type Stats struct {
	Messages  uint64 // route messages written, whatever became of them
	Batches   uint64 // system calls that they took
	Lookups   uint64 // routes asked for one by one (nothing is written)
	Dumps     uint64
	Installed uint64
	Replaced  uint64
	Refreshed uint64 // expiry rewritten in silence
	Deleted   uint64
	Adopted   uint64 // installs that found the very route in place
	Refused   map[binding.Reason]uint64
	Repairs   uint64 // routes and aggregates of ours that somebody took
	Overflows uint64 // times that the monitor lost events
	LostAcks  uint64 // batches whose answers were lost and asked for again

	ListenerDrops  uint64 // messages that others who hear of routes have lost
	Announced      uint64 // routes repeated for them
	AnnouncedGone  uint64 // withdrawals repeated for them
	AnnounceMissed uint64 // repeats that were not made: the route is another by now
}

// refusals are the reasons that a Failure can have, by the name of their
// counter.
var refusals = map[binding.Reason]string{
	binding.ForeignRoute:     "routes_refused_foreign",
	binding.ConnectedOverlap: "routes_refused_connected",
	binding.KernelRefused:    "routes_refused_kernel",
	binding.InterfaceDown:    "routes_refused_interface_down",
	binding.InterfaceMissing: "routes_refused_interface_missing",
}

// Map returns the counters by name.
func (s Stats) Map() map[string]uint64 {
	m := map[string]uint64{
		"route_messages":    s.Messages,
		"route_batches":     s.Batches,
		"route_lookups":     s.Lookups,
		"route_dumps":       s.Dumps,
		"routes_installed":  s.Installed,
		"routes_replaced":   s.Replaced,
		"routes_refreshed":  s.Refreshed,
		"routes_deleted":    s.Deleted,
		"routes_adopted":    s.Adopted,
		"routes_taken":      s.Repairs,
		"monitor_overflows": s.Overflows,
		"route_acks_lost":   s.LostAcks,

		"listener_drops":       s.ListenerDrops,
		"announce_repeats":     s.Announced,
		"announce_withdrawals": s.AnnouncedGone,
		"announce_missed":      s.AnnounceMissed,
	}
	for reason, name := range refusals {
		m[name] = s.Refused[reason]
	}
	return m
}

// counters are Stats in the making: any goroutine may add and read.
type counters struct {
	messages, batches, lookups, dumps              atomic.Uint64
	installed, replaced, refreshed, deleted        atomic.Uint64
	adopted, repairs, overflows, lostAcks          atomic.Uint64
	foreign, connected, refused, linkDown, missing atomic.Uint64
	listenerDrops, announced, announcedGone        atomic.Uint64
	announceMissed                                 atomic.Uint64
}

// refusal returns the counter of a Failure's reason.
func (c *counters) refusal(r binding.Reason) *atomic.Uint64 {
	switch r {
	case binding.ForeignRoute:
		return &c.foreign
	case binding.ConnectedOverlap:
		return &c.connected
	case binding.InterfaceDown:
		return &c.linkDown
	case binding.InterfaceMissing:
		return &c.missing
	}
	return &c.refused
}

func (c *counters) stats() Stats {
	s := Stats{
		Messages: c.messages.Load(), Batches: c.batches.Load(), Lookups: c.lookups.Load(), Dumps: c.dumps.Load(),
		Installed: c.installed.Load(), Replaced: c.replaced.Load(), Refreshed: c.refreshed.Load(), Deleted: c.deleted.Load(),
		Adopted: c.adopted.Load(), Repairs: c.repairs.Load(), Overflows: c.overflows.Load(), LostAcks: c.lostAcks.Load(),
		ListenerDrops: c.listenerDrops.Load(), Announced: c.announced.Load(),
		AnnouncedGone: c.announcedGone.Load(), AnnounceMissed: c.announceMissed.Load(),
		Refused: make(map[binding.Reason]uint64, len(refusals)),
	}
	for reason := range refusals {
		s.Refused[reason] = c.refusal(reason).Load()
	}
	return s
}
