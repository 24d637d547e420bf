package main

import (
	"strings"
	"testing"
)

func TestCountersWorthALook(t *testing.T) {
	var out strings.Builder
	counters := map[string]uint64{"queries": 3, "malformed_leases": 12, "no_clt": 0, "something_new": 1}
	if err := printCounters(&out, "of kea1", counters); err != nil {
		t.Fatal(err)
	}
	const want = `
COUNT  OF KEA1           WHICH ARE
12     malformed_leases  leases skipped: malformed, such as a prefix length of 0 or above 128
1      something_new     -
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if err := printCounters(&out, "of kea1", map[string]uint64{"queries": 3}); err != nil || out.String() != "" {
		t.Errorf("printed %q, %v: nothing is worth a look", out.String(), err)
	}
}
