// Package wire encodes and decodes leasequery messages of DHCPv6: RFC 5007,
// RFC 5460. Parsing never panics, allocates nothing but errors, and returns
// errors that wrap ErrMalformed. Slices in parsed values alias the input.
//
// A message is read in layers, so that a fault costs what it is in and nothing
// around it: Parse (a fault costs the message), ParseClientData (one client),
// ClientData.NextLease (one lease), ParseRelayData (what is behind the fault,
// and never a lease).
package wire
