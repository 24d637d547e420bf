package main

import (
	"testing"

	"leaseroute/agent/control"
)

func TestStatusTellsOfAnnouncing(t *testing.T) {
	zebra := control.Listener{Program: "zebra", Pid: 812, Inode: 4711, Lost: 70209}
	for _, tt := range []struct {
		name string
		in   control.Announcing
		want string
	}{
		{"nobody lost anything", control.Announcing{State: "exact"}, "exact"},
		{"in the midst of it", control.Announcing{State: "repeating", Pass: 2, Listeners: []control.Listener{zebra}},
			"repeating all routes, pass 2; zebra[812] lost 70209 since the start"},
		{"two, one of them not ours to look at", control.Announcing{State: "exact", Pass: 1, Listeners: []control.Listener{zebra, {Inode: 9, Lost: 3}}},
			"exact; zebra[812] lost 70209, socket 9 lost 3 since the start"},
		{"blind", control.Announcing{State: "unknown", Error: "no such file"}, "unknown: no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := announcing(tt.in); got != tt.want {
				t.Errorf("announcing: %s, want %s", got, tt.want)
			}
		})
	}
}
