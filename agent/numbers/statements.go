package numbers

import "slices"

// statements are what became of statements about leases.
var statements = slices.Concat(
	family(Family{"observations", "source", "statements about leases that were taken in, by source"},
		daily("kernel", "routes of ours that were found in the kernel"),
		daily("state", "leases that the state file had"),
		daily("bulk", "leases in answers to bulk queries"),
		daily("lookup", "leases in answers to queries about single leases or clients, and denials"),
		daily("notify", "leases in assignment notifications"),
		daily("active", "leases told by active leasequery"),
		daily("glean", "leases in DHCP messages on the wire"),
	),
	[]Number{
		daily("observations_merged", "statements about an exchange between client and server that was known already"),
		worth("observations_malformed", "statements about leases that could not be used"),
		worth("conflicts", "prefixes claimed for two clients; 'leaseroute explain PREFIX' tells who won"),
		worth("conflicts_tied", "prefixes claimed for two clients that were heard at the same time, decided by rank"),
		worth("claims_repelled", "claims to a prefix, and releases of one, by others than its client, in vain: see the log, and 'leaseroute explain PREFIX'"),
		worth("tombstone_holds", "leases from before their own release, withdrawal or denial, ignored"),
		worth("sequence_lockouts", "sequence numbers too far ahead, ignored: check that server"),
		worth("sequence_epoch_resets", "servers whose sequence numbers began anew"),
		worth("table_full", "leases dropped: delegation.max_bindings is reached"),
		worth("expired_on_arrival", "leases that were over when they were reported"),
		daily("bindings_expired", "leases whose time was over"),
		daily("bindings_released", "leases that their client gave back"),
		worth("bindings_withdrawn", "leases that a server ended by a valid lifetime of zero"),
		worth("bindings_doubted", "leases that were doubted, or that nothing said where they are, and asked about"),
		worth("bindings_denied", "leases that a server no longer held when asked again"),
		daily("bindings_cleared", "leases that the operator cleared"),
		worth("releases_disputed", "releases that do not match the binding, such as by another client; the server is asked"),
	},
)
