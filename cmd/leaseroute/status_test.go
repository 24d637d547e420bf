package main

import "testing"

func TestStatusTellsOfGleaning(t *testing.T) {
	for _, tt := range []struct {
		name     string
		counters map[string]uint64
		want     string
	}{
		{"what was seen, and what was lost", map[string]uint64{
			"glean_interfaces": 3, "glean_received": 1200, "glean_kernel_dropped": 4, "glean_taught": 500, "glean_released": 20,
		}, "on 3 interfaces: 1200 packets, 4 lost, 500 answers learnt from, 20 releases"},
		{"no traffic yet", map[string]uint64{"glean_interfaces": 2}, "on 2 interfaces: 0 packets, 0 lost, 0 answers learnt from, 0 releases"},
		{"not watching", map[string]uint64{"queries": 1}, "no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := gleaning(tt.counters); got != tt.want {
				t.Errorf("gleaning: %s, want %s", got, tt.want)
			}
		})
	}
}
