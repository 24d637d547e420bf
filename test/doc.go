// Package test is the house of everything that needs more than one room:
// the simulated server (lqserver), namespaces (lab), real peers (interop),
// the built binary end to end (e2e) and the benchmarks (bench).
package test
