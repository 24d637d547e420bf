// Package gleaner learns leases by watching relayed DHCPv6 messages, beside
// whatever relay runs on the box. It yields binding.Observations and knows
// nothing of tables or routes.
//
// A packet goes through four steps. The capture reads it from a packet socket
// and only queues it (capture_linux.go). parseDatagram takes IP and UDP off, bounded by
// their lengths (packet.go). The relay layers and the message inside become
// values that alias the packet (relaymsg.go, message.go). A matcher holds the
// message against the transactions that clients opened (match.go): only the
// Reply of a configured server, on the way such a Reply must come, to a client
// that asked, teaches anything (L15, L16). All but the first step are pure:
// they open no socket, write no log and are told the time.
//
// Each packet has exactly one fate, which is counted: see Stats.
//
// What is taken from clients are hints: they open transactions, and a Release
// yields an observation that is worth only what the table makes of it
// (binding.Released). Lifetimes in client messages are wishes and are ignored.
//
// New starts nothing. Run may be called once and returns after all of its
// goroutines have. Stats and Ready may be called from any goroutine.
package gleaner
