package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// lookAtCapabilities says which capabilities this process lacks. The daemon's
// may be others: it says itself what it can't do.
func lookAtCapabilities(context.Context, *Patient) []Finding {
	var header unix.CapUserHeader
	var data [2]unix.CapUserData
	header.Version = unix.LINUX_CAPABILITY_VERSION_3
	if err := unix.Capget(&header, &data[0]); err != nil {
		return []Finding{{Level: Note, Found: fmt.Sprintf("can't be read: %v", err)}}
	}
	var found []Finding
	for _, c := range []struct {
		name string
		bit  int
		for_ string
	}{
		{"CAP_NET_ADMIN", unix.CAP_NET_ADMIN, "to write routes and nftables rules: the daemon does not start without it"},
		{"CAP_NET_RAW", unix.CAP_NET_RAW, "to watch DHCP traffic"},
		{"CAP_NET_BIND_SERVICE", unix.CAP_NET_BIND_SERVICE, "to ask from UDP port 546"},
	} {
		if data[c.bit/32].Effective&(1<<(c.bit%32)) == 0 {
			found = append(found, Finding{
				Level: Warn, About: c.name, Found: "this process does not have it",
				Why: "needed " + c.for_, Fix: "run doctor as the daemon's user with its capabilities, or as root; AmbientCapabilities=" + c.name + " in the unit",
			})
		}
	}
	if found == nil {
		return []Finding{ok("", "CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE are there")}
	}
	return found
}

// lookAtKernel tries what the daemon needs of the kernel.
func lookAtKernel(_ context.Context, p *Patient) []Finding {
	var found []Finding
	if p.sysctl("net/ipv6/conf/all/disable_ipv6") == "1" {
		found = append(found, Finding{
			Level: Fault, Found: "IPv6 is switched off (net.ipv6.conf.all.disable_ipv6)",
			Why: "no delegated prefix can be routed", Fix: "sysctl -w net.ipv6.conf.all.disable_ipv6=0",
		})
	}
	if p.Config.OnDemand.Enabled {
		if c, err := nftables.New(); err == nil {
			_, err = c.ListTables()
			found = append(found, refusal(err, "nftables", "unknown subscribers are not noticed", "load nf_tables (CONFIG_NF_TABLES), or on_demand.enabled: false")...)
		}
	}
	if p.Config.Glean.Enabled {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0)
		if err == nil {
			unix.Close(fd)
		}
		found = append(found, refusal(err, "packet sockets", "DHCP traffic is not watched", "load af_packet (CONFIG_PACKET), or glean.enabled: false")...)
	}
	return found
}

// refusal is a finding about a feature that the kernel refuses. That a
// capability is missing is said elsewhere.
func refusal(err error, feature, why, fix string) []Finding {
	if err == nil || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return []Finding{{Level: Fault, About: feature, Found: err.Error(), Why: why, Fix: fix}}
}

// sysctl reads a setting of the kernel; "" if there is none.
func (p *Patient) sysctl(name string) string {
	b, err := os.ReadFile(filepath.Join("/proc/sys", name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
