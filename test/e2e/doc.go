// Package e2e runs the built leaseroute against simulated servers in network
// namespaces: every fault that a server can be told to have, every kind of bad
// input, servers that contradict each other, whatever others do to the
// router's links and routes meanwhile, and what an operator is told of it all.
//
// A test says what the kernel must hold in the end, by prefix, next hop and
// interface, and which counter tells why.
package e2e
