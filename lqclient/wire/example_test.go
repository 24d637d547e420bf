package wire_test

import (
	"encoding/hex"
	"fmt"

	"leaseroute/lqclient/wire"
)

// A LEASEQUERY-DATA with one client that holds one prefix.
func ExampleParse() {
	frame, _ := hex.DecodeString("11a1b2c3" + "002d0033" +
		"0001000a00030001020000000101" + // OPTION_CLIENTID
		"001a0019" + "0000a8c0" + "00015180" + "3c" + "20010db8123456700000000000000000" + // OPTION_IAPREFIX
		"002e0004" + "0000003c") // OPTION_CLT_TIME

	m, err := wire.Parse(frame, 0)
	if err != nil {
		return
	}
	for at := 0; ; {
		value, next, ok := m.NextClientData(at)
		if !ok {
			return
		}
		at = next
		client, err := wire.ParseClientData(value, 0)
		if err != nil {
			continue
		}
		client.Inherit(&m)
		for at := 0; ; {
			lease, next, ok, err := client.NextLease(at)
			if !ok {
				break
			}
			at = next
			fmt.Printf("%s: client %x holds %s for %d s, error %v\n", m.Type, client.ClientID, lease.Prefix, lease.Valid, err)
		}
	}
	// Output: LEASEQUERY-DATA: client 00030001020000000101 holds 2001:db8:1234:5670::/60 for 86400 s, error <nil>
}
