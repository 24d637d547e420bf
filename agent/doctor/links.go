package doctor

import (
	"context"
	"fmt"
	"strings"
)

// lookAtInterfaces holds the patterns against the interfaces of now.
func lookAtInterfaces(_ context.Context, p *Patient) []Finding {
	var found []Finding
	var access, core []string
	for _, i := range p.Links.Interfaces() {
		switch {
		case i.Access:
			access = append(access, i.Name)
		case i.Core:
			core = append(core, i.Name)
		default:
			continue
		}
		if !i.Up {
			found = append(found, Finding{
				Level: Warn, About: i.Name, Found: "it is down",
				Why: "the kernel takes no route through it", Fix: "ip link set " + i.Name + " up, and look at its carrier",
			})
		}
	}
	for _, of := range []struct {
		key      string
		patterns []string
		names    []string
		level    Level
	}{
		{"interfaces.access", p.Config.Interfaces.Access, access, Warn},
		{"interfaces.core", p.Config.Interfaces.Core, core, Fault},
	} {
		if len(of.names) == 0 {
			found = append(found, Finding{
				Level: of.level, About: of.key, Found: fmt.Sprintf("no interface matches %s", strings.Join(of.patterns, " ")),
				Why: "nothing is watched or routed there until one appears", Fix: "see 'ip -br link', and mend the key " + of.key,
			})
		} else {
			found = append(found, ok(of.key, strings.Join(of.names, " ")))
		}
	}
	if len(p.Ask) == 0 {
		found = append(found, Finding{
			Level: Warn, About: "links", Found: "no access interface has a global address, and the key links names none",
			Why: "no server can be asked by link-address, which is the only kind of query that works with the usual relay",
			Fix: "give the access interfaces the addresses that the relay uses as link-address, or list these in links",
		})
	}
	return found
}

// lookAtForwarding looks at whether the kernel passes packets on at all.
func lookAtForwarding(_ context.Context, p *Patient) []Finding {
	const why = "subscribers' packets are not passed on, whatever the routes say"
	if p.sysctl("net/ipv6/conf/all/forwarding") == "0" {
		return []Finding{{
			Level: Fault, Found: "net.ipv6.conf.all.forwarding is 0", Why: why, Fix: "sysctl -w net.ipv6.conf.all.forwarding=1, and keep it in /etc/sysctl.d",
		}}
	}
	var found []Finding
	for _, i := range p.Links.Interfaces() {
		if (i.Access || i.Core) && p.sysctl("net/ipv6/conf/"+i.Name+"/forwarding") == "0" {
			found = append(found, Finding{
				Level: Fault, About: i.Name, Found: "net.ipv6.conf." + i.Name + ".forwarding is 0", Why: why,
				Fix: "sysctl -w net.ipv6.conf." + i.Name + ".forwarding=1",
			})
		}
	}
	if found == nil {
		return []Finding{ok("", "on")}
	}
	return found
}
