package wire

import (
	"errors"
	"testing"
)

func TestNextLease(t *testing.T) {
	const (
		times   = "00000708 00000e10" // preferred 1800, valid 3600
		address = "20010db8123456700000000000000001"
		good    = "001a 0019" + times + "38 20010db8800001000000000000000000"
		rest    = "\nprefix 2001:db8:8000:100::/56 1800/3600"
	)
	tests := []struct{ name, in, want string }{
		{"C10 preferred, valid, length, prefix", "001a 0019" + times + "40 20010db8123456700000000000000000", "prefix 2001:db8:1234:5670::/64 1800/3600"},
		{"a length inside an octet: /60", "001a 0019" + times + "3c 20010db8123456700000000000000000", "prefix 2001:db8:1234:5670::/60 1800/3600"},
		{"a length inside an octet: /62", "001a 0019" + times + "3e 20010db8123456740000000000000000", "prefix 2001:db8:1234:5674::/62 1800/3600"},
		{"R37 host bits are cleared: /62", "001a 0019" + times + "3e 20010db8123456770000000000000001", "prefix 2001:db8:1234:5674::/62 1800/3600"},
		{"R37 host bits are cleared: /1", "001a 0019" + times + "01 ffffffffffffffffffffffffffffffff", "prefix 8000::/1 1800/3600"},
		{"a /128", "001a 0019" + times + "80" + address, "prefix 2001:db8:1234:5670::1/128 1800/3600"},
		{"R37 length 0", "001a 0019" + times + "00" + address, "lease IA prefix: length 0, want 1 to 128: malformed message"},
		{"R37 length 129", "001a 0019" + times + "81" + address, "lease IA prefix: length 129, want 1 to 128: malformed message"},
		{"R37 length 200", "001a 0019" + times + "c8" + address, "lease IA prefix: length 200, want 1 to 128: malformed message"},
		{"R37 valid 0", "001a 0019 00000000 00000000 38 20010db8800001000000000000000000", "prefix 2001:db8:8000:100::/56 0/0"},
		{"R37 preferred above valid is for the requestor", "001a 0019 fffffffa 0000002e 30 3fff0000013900000000000000000000", "prefix 3fff:0:139::/48 4294967290/46"},
		{"for ever", "001a 0019 ffffffff ffffffff 30 3fff0000013900000000000000000000", "prefix 3fff:0:139::/48 4294967295/4294967295"},
		{"C9 an address: address, preferred, valid", "0005 0018" + address + times, "address 2001:db8:1234:5670::1 1800/3600"},
		{"a prefix with options", "001a 0023" + times + "38 20010db8800001000000000000000000 000d 0006 0000 6f6b6179", "prefix 2001:db8:8000:100::/56 1800/3600"},
		{"an address with options", "0005 001c" + address + times + "00ff 0000", "address 2001:db8:1234:5670::1 1800/3600"},
		{"C17 R33 a prefix of 24 octets", "001a 0018" + times + "38 20010db88000010000000000000000", "lease IA prefix: 24 octets, want 25 or more: malformed message"},
		{"C17 R33 an address of 23 octets", "0005 0017" + address + "00000708 000e10", "lease IA address: 23 octets, want 24 or more: malformed message"},
		{"C17 R33 an option in a prefix is cut off", "001a 001e" + times + "38 20010db8800001000000000000000000 000d 0002 00", "lease IA prefix: option at octet 0 of 5 is cut off: malformed message"},
		{"C17 R33 an option in an address is cut off", "0005 0019" + address + times + "00", "lease IA address: option at octet 0 of 1 is cut off: malformed message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			lines := describeClient(&m, unhex(t, tt.in+good), 0)
			if len(lines) != 3 || lines[1] != tt.want || "\n"+lines[2] != rest {
				t.Errorf("got %q, want %q and %q", lines, tt.want, rest)
			}
		})
	}
}

func TestNextLeaseError(t *testing.T) {
	t.Run("R37 the error is malformed, and only that lease's", func(t *testing.T) {
		c, err := ParseClientData(unhex(t, "001a 0001 00"+somePrefix), 0)
		must(t, err)
		l, next, ok, err := c.NextLease(0)
		if !ok || !errors.Is(err, ErrMalformed) || l != (Lease{}) {
			t.Errorf("first lease: %+v, %v, %v", l, ok, err)
		}
		l, next, ok, err = c.NextLease(next)
		if !ok || err != nil || !l.Delegated || l.Prefix.String() != "2001:db8:8000:100::/56" {
			t.Errorf("second lease: %+v, %v, %v", l, ok, err)
		}
		if _, _, ok, _ = c.NextLease(next); ok {
			t.Error("a third lease")
		}
	})
}
