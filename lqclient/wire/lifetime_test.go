package wire

import (
	"testing"
	"time"

	"leaseroute/binding"
)

func TestExpiry(t *testing.T) {
	made := time.Unix(1_000_000, 0)
	tests := []struct {
		name          string
		lifetime, clt uint32
		want          time.Time
	}{
		{"R73 counts from when the message was made, not from CLT", 3600, 100, made.Add(time.Hour)},
		{"R73 zero is over at once", 0, 0, made},
		{"R73 0xffffffff never expires", 0xffffffff, 100, binding.Forever},
		{"fact 8: Kea's 0xffffffff less the elapsed time never expires", 0xffffff9b, 100, binding.Forever},
		{"one less does", 0xffffff9a, 100, made.Add(0xffffff9a * time.Second)},
		{"one more does", 0xffffff9c, 100, made.Add(0xffffff9c * time.Second)},
		{"the sum does not wrap", 0x80000000, 0x80000000, made.Add(0x80000000 * time.Second)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Expiry(made, tt.lifetime, tt.clt); !got.Equal(tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLastTransaction(t *testing.T) {
	made := time.Unix(1_795_193_903, 0)
	for name, tt := range map[string]struct {
		clt  uint32
		want time.Time
	}{
		"R71 seconds before the message was made": {33, time.Unix(1_795_193_870, 0)},
		"R71 zero": {0, made},
		"R71 ISC dhcpd's absolute time is merely a long past": {1_795_193_870, time.Unix(33, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := LastTransaction(made, tt.clt); !got.Equal(tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
