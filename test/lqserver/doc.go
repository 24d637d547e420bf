// Package lqserver is a DHCPv6 leasequery server, in bulk over TCP (RFC 5460)
// and client by client over UDP (RFC 5007), to test requestors against. Left
// alone it conforms to the server rules S1 to S37 of the protocol reference; a
// Manner makes it behave as Kea or ISC dhcpd do, and Faults make it break each
// rule on demand.
//
// It shares no code with the requestor, so that a mistake made in both can't
// cancel itself out: queries are read with insomniacslk/dhcp, answers are
// written by the small encoder in here.
//
// engine.go and lookup.go hold what a query means and know no transport; tcp.go,
// job.go and outlet.go are TCP; udp.go and socket.go are UDP, where census.go
// counts what a requestor may not exceed. A Store says which bindings there are: List
// holds them one by one and may change while the server runs, Generated makes
// millions of them up as they are asked for.
//
// New starts nothing. Run serves until its context ends and returns when all
// its goroutines have. SetFaults, Stats and the methods of List may be called
// from any goroutine at any time.
package lqserver
