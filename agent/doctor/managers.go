package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// lookAtManagers looks for programs that delete other programs' routes.
func lookAtManagers(_ context.Context, p *Patient) []Finding {
	var found []Finding
	if p.runs("systemd-network") && p.networkdDeletes() {
		found = append(found, Finding{
			Level: Fault, About: "systemd-networkd", Found: "it runs, and deletes routes that it did not make (ManageForeignRoutes is not off)",
			Why: "at its restart, or when a link changes, subscribers' routes go; they are put back, but packets are lost meanwhile",
			Fix: "[Network] ManageForeignRoutes=no in /etc/systemd/networkd.conf.d/leaseroute.conf, then systemctl restart systemd-networkd",
		})
	}
	if p.runs("NetworkManager") {
		found = append(found, Finding{
			Level: Warn, About: "NetworkManager", Found: "it runs",
			Why: "it may remove routes from the interfaces that it manages",
			Fix: "[keyfile] unmanaged-devices=interface-name:... for the access and core interfaces in /etc/NetworkManager/conf.d/leaseroute.conf",
		})
	}
	return found
}

// runs reports whether a process of that name (15 octets of it) runs.
func (p *Patient) runs(name string) bool {
	const longest = 15
	names, _ := filepath.Glob(filepath.Join(p.Root, "proc/[0-9]*/comm"))
	for _, file := range names {
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == name[:min(len(name), longest)] {
			return true
		}
	}
	return false
}

// networkdDeletes reads networkd.conf and its drop-ins: the last word counts,
// and without one it deletes.
func (p *Patient) networkdDeletes() bool {
	deletes := true
	files := []string{filepath.Join(p.Root, "etc/systemd/networkd.conf")}
	for _, dir := range []string{"usr/lib", "run", "etc"} {
		more, _ := filepath.Glob(filepath.Join(p.Root, dir, "systemd/networkd.conf.d/*.conf"))
		files = append(files, more...)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if strings.TrimSpace(key) == "ManageForeignRoutes" {
				deletes = !no(strings.TrimSpace(value))
			}
		}
	}
	return deletes
}

// no reports whether systemd takes a value for false.
func no(value string) bool {
	switch strings.ToLower(value) {
	case "no", "false", "off", "n", "f", "0":
		return true
	}
	return false
}
