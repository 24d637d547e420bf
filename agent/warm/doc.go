// Package warm keeps leases in a file, so that after a restart routes stand
// before any server has answered (R131; RFC 8987, S-1). The file is one
// router's own memory: it is replaced whole or not at all, carries a checksum,
// and what can't be read is never a reason not to start.
//
// Times in the file are wall-clock times, since nothing else survives a
// reboot. What they mean to a clock that may be wrong is for the caller.
package warm
