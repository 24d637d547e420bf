// Package doctor finds out why leaseroute does not do what it should, on the
// box that it runs on: what the kernel lacks, what the interfaces lack, what a
// server says to our face, and who else is at work there.
//
// It changes nothing: it looks, and asks each server one or two questions.
package doctor

import (
	"context"

	"leaseroute/agent/control"
	"leaseroute/config"
	"leaseroute/lqclient"
	"leaseroute/routes"
)

// A Level is how bad a finding is.
type Level string

// The levels.
const (
	OK    Level = "ok"
	Note  Level = "note"  // worth knowing
	Warn  Level = "warn"  // something works worse than it could
	Fault Level = "fault" // something does not work
)

// A Finding is what one look has shown.
type Finding struct {
	Check string `json:"check"` // what was looked at, a stable name such as "forwarding"
	Level Level  `json:"level"`
	About string `json:"about"` // the interface, server or block; "" for the box as a whole
	Found string `json:"found"`
	Why   string `json:"why"` // why it matters; "" if all is well
	Fix   string `json:"fix"` // the command or key that mends it; "" if there is nothing to mend
}

// A Patient is what is examined. All but Status must be set.
type Patient struct {
	Config  *config.Config
	RelayID []byte // nil: none was made yet
	Links   *routes.Links
	Routes  routes.Options
	Ask     []lqclient.Link // the link-addresses that would be asked for
	Servers []lqclient.Server
	Status  *control.Status // of the daemon; nil if none answers
	Root    string          // of the file system: "/", or a test's
}

// A check looks at one thing. Its findings name it.
type check struct {
	name string
	look func(context.Context, *Patient) []Finding
}

// checks are in the order in which one would look.
func checks() []check {
	return []check{
		{"daemon", lookAtDaemon},
		{"capabilities", lookAtCapabilities},
		{"kernel", lookAtKernel},
		{"interfaces", lookAtInterfaces},
		{"forwarding", lookAtForwarding},
		{"blocks", lookAtBlocks},
		{"covering routes", lookAtCover},
		{"protocol number", lookAtProtocol},
		{"other managers", lookAtManagers},
		{"nft and nflog", lookAtDetector},
		{"clock", lookAtClock},
		{"servers", lookAtServers},
	}
}

// Examine makes all checks in turn and hands each finding on, at least one for
// every check.
func Examine(ctx context.Context, p *Patient, each func(Finding)) {
	for _, c := range checks() {
		if ctx.Err() != nil {
			return
		}
		findings := c.look(ctx, p)
		if len(findings) == 0 {
			findings = []Finding{{Level: OK, Found: "nothing amiss"}}
		}
		for _, f := range findings {
			f.Check = c.name
			each(f)
		}
	}
}

// ok is a finding that needs nothing.
func ok(about, found string) Finding { return Finding{Level: OK, About: about, Found: found} }
