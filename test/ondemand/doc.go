// Package ondemand runs the built leaseroute with real packets from subscribers
// and from the core, and with simulated servers that tell a lease only when
// they are asked about it: what a packet brings about, how many questions it
// costs, and what the operator is told. It has tests only.
package ondemand
