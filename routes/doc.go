// Package routes makes the kernel's routing table follow binding.Changes and
// keeps it true: next hops and interfaces, batched installation, adoption of
// the routes that an earlier run left, watching and repair, covering
// aggregates. It is the only room that talks to rtnetlink about routes, and it
// knows nothing of DHCP.
//
// Links resolves where a client is from what relays said; its snapshots are
// immutable and may be read by any goroutine. Kernel is one netlink
// installer: Apply, Dump and the aggregates belong to one goroutine.
package routes
