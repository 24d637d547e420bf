package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/nftables"
)

// lookAtDetector looks for others who use our nftables table or NFLOG group.
func lookAtDetector(_ context.Context, p *Patient) []Finding {
	o := p.Config.OnDemand
	if !o.Enabled && !tableExists(o.Table) {
		return []Finding{ok("", "not used (on_demand.enabled: false)")}
	}
	ours := p.Status != nil && p.Status.OnDemand.State == "armed"
	var found []Finding
	if owner := p.groupOwner(o.Group); owner != "" && !ours && o.Enabled {
		found = append(found, Finding{
			Level: Fault, About: fmt.Sprintf("NFLOG group %d", o.Group), Found: "another program listens to it: netlink port " + owner,
			Why: "packets of unknown subscribers are reported to it, not to us", Fix: "choose another on_demand.nflog_group, or stop that program (ulogd?)",
		})
	}
	if p.Status != nil && !ours && tableExists(o.Table) {
		return append(found, Finding{
			Level: Fault, About: "nft table inet " + o.Table, Found: "it is there, and the daemon that runs has not armed it: an earlier run left it",
			Why: "with on_demand.mode: guard it goes on dropping the packets of subscribers that it does not know",
			Fix: "nft delete table inet " + o.Table,
		})
	}
	if !ours && tableExists(o.Table) {
		found = append(found, Finding{
			Level: Note, About: "nft table inet " + o.Table, Found: "it is there, and no daemon of ours has armed it",
			Why: "the daemon replaces it at its start: it is what a crash left behind, or somebody else's",
			Fix: "nft list table inet " + o.Table + "; if it is somebody else's, choose another on_demand.nft_table",
		})
	}
	return found
}

// groupOwner returns the netlink port of the program that listens to an NFLOG
// group; "" if nobody does, or if the kernel does not tell.
func (p *Patient) groupOwner(group uint16) string {
	b, err := os.ReadFile(filepath.Join("/proc/net/netfilter/nfnetlink_log"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == fmt.Sprint(group) {
			return fields[1]
		}
	}
	return ""
}

func tableExists(name string) bool {
	c, err := nftables.New()
	if err != nil {
		return false
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return false
	}
	for _, t := range tables {
		if t.Name == name {
			return true
		}
	}
	return false
}
