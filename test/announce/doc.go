// Package announce has FRR and BIRD announce leaseroute's routes over BGP to a
// peer, configured as docs/announcing.md says and with the buffers that they
// take by themselves, and counts what the peer holds.
package announce
