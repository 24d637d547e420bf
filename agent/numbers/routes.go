package numbers

import "slices"

// routes are about the kernel.
var routes = slices.Concat(
	family(Family{"changes", "operation", "changes of routes that were decided, by operation"},
		daily("install", "routes to be made"),
		daily("move", "routes to be given another next hop or interface"),
		daily("refresh", "routes to be given another expiry"),
		daily("withdraw", "routes to be taken out"),
	),
	[]Number{
		daily("route_messages", "route messages written to the kernel, whatever became of them"),
		daily("route_batches", "system calls that the route messages took"),
		daily("route_lookups", "routes that the kernel was asked for one by one"),
		daily("route_dumps", "times that the kernel listed all our routes"),
		daily("routes_installed", "routes made"),
		daily("routes_replaced", "routes given another next hop or interface"),
		daily("routes_refreshed", "routes given another expiry"),
		daily("routes_deleted", "routes taken out"),
		daily("routes_adopted", "routes that were in place already when they were to be made"),
		worth("bindings_repaired", "routes put back after somebody took or changed them"),
		worth("routes_taken", "routes of ours that went without our doing: with a link, or taken by somebody"),
		worth("kernel_failures", "changes that could not be made to the kernel"),
		worth("monitor_overflows", "times that the kernel dropped events; an audit followed"),
		worth("route_acks_lost", "batches of routes whose answers were lost, and asked for again"),
	},
	[]Number{
		worth("listener_drops", "messages about routes that the kernel could not deliver to other programs, such as routing daemons"),
		worth("announce_bursts", "bursts of changes of which a routing daemon lost some, and was told again"),
		daily("announce_passes", "times that all routes were gone through to be told again"),
		daily("announce_repeats", "routes that were told again"),
		daily("announce_withdrawals", "removals that were told again"),
		daily("announce_missed", "routes and removals that were not told again, since the route was another by then"),
		worth("announce_forgotten", "removals that could not be told again: too many to remember"),
		worth("announce_given_up", "bursts after which a routing daemon lost what it was told however slowly"),
	},
	family(Family{"routes_refused", "reason", "routes that were not made, by reason"},
		worth("foreign", "routes not made: somebody else has a route of this prefix"),
		worth("connected", "routes not made: the prefix overlaps one of our own links"),
		worth("kernel", "routes refused by the kernel; 'leaseroute explain PREFIX' has its words"),
		worth("interface_down", "routes not made: the interface is down"),
		worth("interface_missing", "routes not made: the interface is not there"),
	),
)
