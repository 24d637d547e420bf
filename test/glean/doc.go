// Package glean holds leaseroute against real clients, relays and servers: what
// it learns from the wire, and keeps over a restart, must be what the servers'
// own lease files say. It has tests only.
package glean
