// Package control is the daemon's conversation with its operator: HTTP with
// JSON bodies over a unix socket. The types are a promise (DESIGN.md 5): what
// is there stays, more may be added. Times are RFC 3339 in UTC; a time that is
// infinite or unknown is null.
//
// Serve answers with the handlers it is given; Client asks.
package control
