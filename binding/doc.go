// Package binding holds what is known about leases: the words that every
// other room speaks (Observation, Binding, Change) and the Table that turns
// many statements into one reconciled view.
//
// The package is pure. It opens no socket, writes no log and reads no clock:
// the caller passes the time. A Table belongs to one goroutine, the agent's
// owner loop; nothing in it is locked. Values that it returns are copies and
// may be handed to other goroutines.
package binding
