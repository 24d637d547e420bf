package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"leaseroute/routes"
)

// lookAtBlocks holds the allowed blocks against what is connected.
func lookAtBlocks(_ context.Context, p *Patient) []Finding {
	s, err := routes.Look(p.Routes)
	if err != nil {
		return unread(err)
	}
	var found []Finding
	for _, l := range s.Links {
		found = append(found, Finding{
			Level: Fault, About: l.Prefix.String(), Found: "a connected prefix overlaps delegation.allowed: " + l.Words,
			Why: "delegated prefixes there are refused: the link has them already", Fix: "take the address off the interface, or the link out of delegation.allowed",
		})
	}
	for _, r := range s.Inside {
		found = append(found, Finding{
			Level: Note, About: r.Prefix.String(), Found: "somebody else's route lies in delegation.allowed: " + r.Words,
			Why: "a lease of exactly that prefix is not routed while it is there",
			Fix: "take it out if the subscriber is this router's: ip -6 route del " + r.Prefix.String(),
		})
	}
	return found
}

func unread(err error) []Finding {
	return []Finding{{Level: Note, Found: fmt.Sprintf("the routes can't be read: %v", err)}}
}

// lookAtCover looks for the covering routes.
func lookAtCover(_ context.Context, p *Patient) []Finding {
	s, err := routes.Look(p.Routes)
	if err != nil {
		return unread(err)
	}
	var found []Finding
	for _, c := range s.Covered {
		about := c.Block.String()
		switch {
		case c.Ours:
			found = append(found, ok(about, "covered by our blackhole route"))
		case c.Words != "":
			found = append(found, Finding{Level: Note, About: about, Found: "somebody else's route stands in for ours: " + c.Words})
		case p.Routes.Blackhole && p.Status == nil:
			found = append(found, Finding{Level: Note, About: about, Found: "no covering route yet: the daemon makes it at its start"})
		case s.Default.IsValid():
			found = append(found, Finding{
				Level: Warn, About: about, Found: "no covering route, and a default route",
				Why: "packets to unused prefixes go back to the core and loop, and on-demand lookups of destinations never begin",
				Fix: "routes.aggregate: blackhole",
			})
		default:
			found = append(found, Finding{Level: Note, About: about, Found: "no covering route (routes.aggregate)"})
		}
	}
	return found
}

// lookAtProtocol looks for others who use our protocol number.
func lookAtProtocol(_ context.Context, p *Patient) []Finding {
	number := p.Config.Routes.Protocol
	const fix = "choose another routes.protocol from 5 to 255, and name it in /etc/iproute2/rt_protos.d/leaseroute.conf"
	var found []Finding
	if name, file := p.protocolName(number); name != "" && name != "leaseroute" {
		found = append(found, Finding{
			Level: Warn, Found: fmt.Sprintf("%s calls protocol %d %q", file, number, name),
			Why: "routes with our number are ours to replace and delete", Fix: fix,
		})
	}
	s, err := routes.Look(p.Routes)
	if err != nil {
		return append(found, unread(err)...)
	}
	for _, r := range s.Strange {
		found = append(found, Finding{
			Level: Fault, About: r.Prefix.String(), Found: fmt.Sprintf("a route with protocol %d that can't be ours: %s", number, r.Words),
			Why: "somebody else uses the number: either takes the other's routes for its own", Fix: fix,
		})
	}
	if found == nil {
		return []Finding{ok("", fmt.Sprintf("%d is ours alone: %d routes", number, s.Ours))}
	}
	return found
}

// protocolName says what iproute2 calls a protocol number, and in which file.
func (p *Patient) protocolName(number uint8) (name, file string) {
	files := []string{"etc/iproute2/rt_protos", "usr/share/iproute2/rt_protos", "usr/lib/iproute2/rt_protos"}
	for _, dir := range []string{"etc/iproute2/rt_protos.d", "usr/share/iproute2/rt_protos.d", "usr/lib/iproute2/rt_protos.d"} {
		more, _ := filepath.Glob(filepath.Join(p.Root, dir, "*.conf"))
		for _, m := range more {
			rel, _ := filepath.Rel(p.Root, m)
			files = append(files, rel)
		}
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(p.Root, f))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			fields := strings.Fields(line)
			if len(fields) >= 2 && fields[0] == fmt.Sprint(number) {
				return fields[1], "/" + f
			}
		}
	}
	return "", ""
}
