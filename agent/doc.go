// Package agent puts the parts in order: boot, resync, the owner loop around
// the binding table, recovery, the control socket, readiness. It knows no
// wire format.
package agent
