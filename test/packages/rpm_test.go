//go:build linux

package packages

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leaseroute/test/lab/labtest"
)

// TestRPM compares what the .rpm holds with what the .deb does, which other
// tests install.
func TestRPM(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"rpm", "dpkg-deb", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv(labtest.RequireRoot) == "1" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	deb, rpm := packageOf(t, "deb"), packageOf(t, "rpm")
	var inDeb []string
	for _, l := range lines(t, "dpkg-deb", "--contents", deb) {
		f := strings.Fields(l)
		if path := strings.TrimPrefix(f[len(f)-1], "."); !strings.HasSuffix(path, "/") {
			inDeb = append(inDeb, f[0]+" "+asInRPM(path))
		}
	}
	var inRPM []string
	for _, l := range lines(t, "rpm", "-qp", "--nosignature", "--queryformat", "[%{FILEMODES:perms} %{FILENAMES}\\n]", rpm) {
		if !strings.HasPrefix(l, "d") {
			inRPM = append(inRPM, l)
		}
	}
	slices.Sort(inDeb)
	slices.Sort(inRPM)
	if d := cmp.Diff(inDeb, inRPM); d != "" {
		t.Errorf("the .rpm and the .deb differ (-deb +rpm):\n%s", d)
	}
	wantConfig := []string{"/etc/iproute2/rt_protos.d/leaseroute.conf", "/etc/leaseroute/leaseroute.yaml"}
	if d := cmp.Diff(wantConfig, lines(t, "rpm", "-qp", "--nosignature", "--configfiles", rpm)); d != "" {
		t.Errorf("configuration files (-want +have):\n%s", d)
	}
	lines(t, "rpm", "-K", "--nosignature", rpm)
	want := lines(t, "dpkg-deb", "--field", deb, "Version")
	if have := lines(t, "rpm", "-qp", "--nosignature", "--queryformat", "%{VERSION}\\n", rpm); !slices.Equal(have, want) {
		t.Errorf("version %s of the .rpm, %s of the .deb", have, want)
	}
}

// asInRPM is where the .rpm has a file of the .deb: each follows the habits of
// its distributions.
func asInRPM(path string) string {
	return strings.NewReplacer(
		"/usr/share/zsh/vendor-completions/", "/usr/share/zsh/site-functions/",
		"/usr/share/doc/leaseroute/copyright", "/usr/share/licenses/leaseroute/LICENSE",
	).Replace(path)
}

// lines runs a command and returns what it prints.
func lines(t *testing.T, name string, args ...string) []string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, stderr.String())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
