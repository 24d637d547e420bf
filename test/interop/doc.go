// Package interop runs the built leaseroute against a real ISC Kea 3.0, in
// network namespaces: what the one reports must become, exactly, what the
// other has in its kernel, whatever happens to either meanwhile.
//
// Every test has a lab of its own: Kea in the server's namespace, a gate
// before it that can stop an answer at any octet, leaseroute in the router's,
// and a monitor there that sees every change of its routes, independently of
// what leaseroute says of itself.
package interop
