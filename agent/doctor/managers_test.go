package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root makes a file system of these files.
func root(t *testing.T, files map[string]string) *Patient {
	t.Helper()
	p := &Patient{Root: t.TempDir()}
	for name, text := range files {
		path := filepath.Join(p.Root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestManagers(t *testing.T) {
	const comm, conf = "proc/812/comm", "etc/systemd/networkd.conf"
	tests := []struct {
		name  string
		files map[string]string
		want  string // "" for nothing amiss
	}{
		{"nobody runs", map[string]string{"proc/1/comm": "systemd\n"}, ""},
		{"networkd by its default", map[string]string{comm: "systemd-network\n"}, "systemd-networkd"},
		{"networkd that is told not to", map[string]string{comm: "systemd-network\n", conf: "[Network]\nManageForeignRoutes = no\n"}, ""},
		{"a drop-in has the last word", map[string]string{
			comm: "systemd-network\n", conf: "ManageForeignRoutes=no\n",
			"etc/systemd/networkd.conf.d/local.conf": "ManageForeignRoutes=yes\n",
		}, "systemd-networkd"},
		{"NetworkManager", map[string]string{comm: "NetworkManager\n"}, "NetworkManager"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var about []string
			for _, f := range lookAtManagers(t.Context(), root(t, tt.files)) {
				about = append(about, f.About)
			}
			if got := strings.Join(about, " "); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestProtocolName(t *testing.T) {
	p := root(t, map[string]string{
		"etc/iproute2/rt_protos":                "# comment\n2 kernel\n0x9e other\n",
		"usr/share/iproute2/rt_protos.d/x.conf": "158 dhcpd-pd\n",
	})
	if name, file := p.protocolName(158); name != "dhcpd-pd" || file != "/usr/share/iproute2/rt_protos.d/x.conf" {
		t.Errorf("protocol 158 is %q in %q", name, file)
	}
	if name, _ := p.protocolName(159); name != "" {
		t.Errorf("protocol 159 is %q", name)
	}
}
