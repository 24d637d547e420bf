// Package routes makes the kernel's routing table follow binding.Changes and
// keeps it true: next hops and interfaces, batched installation, adoption of
// the routes that an earlier run left, watching and repair, covering
// aggregates. It is the only room that talks to rtnetlink about routes, and it
// knows nothing of DHCP.
//
// Links resolves where a client is from what relays said; its snapshots are
// immutable and may be read by any goroutine. A Kernel is one installer:
// Apply, Dump, EnsureAggregates and RemoveAll belong to one goroutine, Watch
// may run in another. It keeps no copy of the table; all that it remembers of
// the kernel is what others hold inside the allowed blocks.
//
// It works on one network namespace, that of the goroutine that called Open or
// Links.Refresh, and needs CAP_NET_ADMIN there.
package routes
