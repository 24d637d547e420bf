// Package lab makes small networks out of Linux network namespaces and runs
// real programs in them: for tests, for the demonstration and for benchmarks.
// It needs root and iproute2.
//
// A Lab owns its namespaces, the processes in them and a folder for their
// files. Close takes all of that away. It is also taken away when the context
// of New ends, and what a killed program left behind is taken away by the next
// New on the same machine.
//
// The namespaces have names, so that a person can look inside while a lab is
// up: `ip netns` lists them, `ip netns exec NAME COMMAND` runs something in
// one. The names begin with "lr-" and the process number of the lab's owner.
//
// Nothing here knows package testing: package labtest has what tests need
// beside. A Lab and all that belongs to it may be used by many goroutines.
package lab
