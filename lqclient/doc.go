// Package lqclient is a DHCP leasequery requestor: it asks servers what they
// have leased and yields binding.Observations. It knows nothing of tables or
// routes.
//
// A Requestor serves one server over TCP (RFC 5460): it connects, asks a
// chain of queries, settles doubts by address on the same connection, and
// tries again for ever where that can help. A Conn is one connection with the
// state machine of RFC 5460, sections 5.2 and 6.3; it may be used on its own
// for one-shot queries.
package lqclient
