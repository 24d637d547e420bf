package routes

import (
	"net/netip"
	"time"
)

// Options is what the kernel's side needs to know.
type Options struct {
	Table          uint32
	Protocol       uint8
	Metric         uint32
	Allowed        []netip.Prefix
	Blackhole      bool // keep a covering blackhole route for each allowed block
	FailSafe       bool // routes carry a kernel-side expiry (DESIGN.md rule 9)
	FailSafeMargin time.Duration
	InstallRate    int // routes a second; 0: full speed
}
