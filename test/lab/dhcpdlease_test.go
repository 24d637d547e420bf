//go:build linux

package lab

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// dhcpdLeases is what dhcpd wrote when one client got an address and a prefix,
// another one an endless prefix, the first one released its prefix, and a
// third one's prefix ran out.
const dhcpdLeases = `# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;

server-duid 00:03:00:01:02:00:00:5e:00:01;

ia-na 01:00:c0:00:00:03:00:01:02:00:00:c0:00:01 {
  cltt 5 2026/11/20 20:20:41;
  iaaddr 2001:db8:1::1:3bd {
    binding state active;
    preferred-life 30;
    max-life 40;
    ends 5 2026/11/20 20:21:21;
  }
}

ia-pd 01:00:c0:00:00:03:00:01:02:00:00:c0:00:01 {
  cltt 5 2026/11/20 20:20:41;
  iaprefix 2001:db8:8000:ff00::/56 {
    binding state active;
    preferred-life 30;
    max-life 40;
    ends 5 2026/11/20 20:21:21;
  }
  iaprefix 2001:db8:8000:fe00::/56 {
    binding state active;
    preferred-life 4294967295;
    max-life 4294967295;
    ends never;
  }
}

ia-pd 02:00:00:00:00:03:00:01:02:00:00:c0:00:02 {
  cltt 5 2026/11/20 20:20:00;
  iaprefix 2001:db8:8000:fd00::/60 {
    binding state active;
    preferred-life 30;
    max-life 40;
    ends 5 2026/11/20 20:20:40;
  }
}

ia-pd 01:00:c0:00:00:03:00:01:02:00:00:c0:00:01 {
  cltt 5 2026/11/20 20:20:59;
  iaprefix 2001:db8:8000:ff00::/56 {
    binding state released;
    preferred-life 30;
    max-life 40;
    ends 5 2026/11/20 20:21:21;
  }
}

ia-pd 03:00:00:00:00:03:00:01:02:00:00:c0:00:03 {
  cltt 5 2026/11/20 20:20:59;
  iaprefix 2001:db8:8000:ff00::/56 {
    binding state active;
    preferred-life 30;
    max-life 40;
    ends 5 2026/11/20 20:2`

func TestDhcpdLeasesOfEachTheLastEntryCounts(t *testing.T) {
	got, err := readDhcpdLeases(dhcpdLeases, time.Date(2026, 11, 20, 20, 21, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	duid := []byte{0, 3, 0, 1, 2, 0, 0, 0xc0, 0, 1}
	want := []Lease{
		{netip.MustParsePrefix("2001:db8:1::1:3bd/128"), duid, 0x00c00001, time.Date(2026, 11, 20, 20, 21, 21, 0, time.UTC)},
		{netip.MustParsePrefix("2001:db8:8000:fe00::/56"), duid, 0x00c00001, time.Time{}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
	got, err = readDhcpdLeases(strings.Replace(dhcpdLeases, "little-endian", "big-endian", 1), time.Time{}.Add(time.Hour))
	if err != nil || len(got) != 3 || got[0].IAID != 0x0100c000 {
		t.Errorf("written by a big-endian machine: %+v, %v", got, err)
	}
}

func FuzzDhcpdLeases(f *testing.F) {
	f.Add(dhcpdLeases)
	f.Add("ia-na 01:00 {\n")
	f.Add("ia-pd 01:00:00:00:00 {\n iaprefix ::/0 {\nbinding state active;\nends 5 now\n}\n")
	now := time.Date(2026, 11, 20, 20, 20, 50, 0, time.UTC)
	f.Fuzz(func(t *testing.T, file string) {
		leases, err := readDhcpdLeases(file, now)
		if err != nil && leases != nil {
			t.Errorf("leases beside an error: %v", leases)
		}
		for i, l := range leases {
			if !l.Prefix.IsValid() || !l.Until.IsZero() && !l.Until.After(now) {
				t.Errorf("not live: %+v", l)
			}
			if i > 0 && leases[i-1].Prefix.Compare(l.Prefix) >= 0 {
				t.Errorf("%s before %s", leases[i-1].Prefix, l.Prefix)
			}
		}
	})
}

func TestAgeDhcpdLeases(t *testing.T) {
	got := ageDhcpdLeases("  cltt 0 2026/11/22 00:10:00;\n    max-life 40;\n    ends never;\n    ends 0 2026/11/22 01:10:00;\n", time.Hour)
	want := "  cltt 6 2026/11/21 23:10:00;\n    max-life 40;\n    ends never;\n    ends 0 2026/11/22 00:10:00;\n"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
