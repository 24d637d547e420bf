// Package gleaner learns leases by watching relayed DHCP messages. It yields
// binding.Observations and knows nothing of tables or routes.
//
// The capture and the matching of transactions are not part of this release.
package gleaner
