// Package wire encodes and decodes leasequery messages of DHCPv6: RFC 5007,
// RFC 5460. Parsing never allocates in proportion to what a peer sends, never
// panics, and returns errors that wrap ErrMalformed. Slices in parsed values
// alias the input.
package wire
