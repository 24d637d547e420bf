package config

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// Each file in testdata/bad breaks one rule, and begins with what is said of
// it, after "# want: ".
func TestBadFiles(t *testing.T) {
	t.Chdir("testdata/bad")
	for _, name := range files(t, ".") {
		t.Run(name, func(t *testing.T) {
			_, err := Load(name, nil)
			if _, ok := errors.AsType[Faults](err); !ok {
				t.Fatalf("Load: %v, want Faults", err)
			}
			compareHead(t, name, "# want: ", strings.Split(err.Error(), "\n"))
		})
	}
}

// Each file in testdata/good is accepted, and begins with what is warned about,
// after "# warn: ".
func TestGoodFiles(t *testing.T) {
	t.Chdir("testdata/good")
	for _, name := range files(t, ".") {
		t.Run(name, func(t *testing.T) {
			c, err := Load(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Warnings) > 0 || !strings.HasSuffix(name, ".json") {
				compareHead(t, name, "# warn: ", c.Warnings)
			}
		})
	}
}

// files lists the files of a directory, and wants some.
func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	return names
}

// compareHead compares lines with those at a file's head that have a prefix,
// which -update writes anew.
func compareHead(t *testing.T, path, prefix string, lines []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	body := string(b)
	for strings.HasPrefix(body, prefix) {
		var line string
		line, body, _ = strings.Cut(body, "\n")
		want = append(want, line)
	}
	var got []string
	for _, line := range lines {
		got = append(got, prefix+line)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(append(got, body), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMinimalFileGetsTheDefaults(t *testing.T) {
	want := &Config{
		StateDir:   "/var/lib/leaseroute",
		Interfaces: Interfaces{Access: []string{"acc*"}, Core: []string{"core0"}},
		Servers: []Server{{
			Name:              "kea1",
			Address:           netip.MustParseAddrPort("[2001:db8::1]:547"), // C49
			Queries:           []QueryType{ByRelayID, ByLinkAddress, ByRemoteID},
			ConcurrentQueries: 1,
			Dialect:           "rfc",
			ConnectTimeout:    30 * time.Second,
			DataTimeout:       300 * time.Second, // C55
			SuspectRate:       200,
			Bulk:              true,
			Lookup:            true,
		}},
		Delegation: Delegation{
			Allowed:              []netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/33")},
			MinLength:            48,
			MaxLength:            64,
			MaxPrefixesPerClient: 8,
			MaxBindings:          2_000_000,
		},
		Recovery: Recovery{GiveUp: 120 * time.Second},
		Routes: Routes{
			Table:          254,
			Protocol:       158,
			Metric:         1024,
			Blackhole:      true,
			FailSafe:       true,
			FailSafeMargin: 10 * time.Minute,
			AdoptHold:      24 * time.Hour,
			AnnounceRate:   20_000,
		},
		Glean:     Glean{Enabled: true, Buffer: 16 << 20, MaxTransactions: 1 << 16},
		StateFile: StateFile{Enabled: true, Interval: time.Minute},
		OnDemand: OnDemand{
			Enabled:       true,
			LocalPort:     546,
			Rate:          500,
			InterfaceRate: 100,
			Outstanding:   100,
			NegativeTTL:   time.Minute, // R95
			NoAnswerTTL:   30 * time.Second,
			MaxNegative:   1 << 16,
			CheckBefore:   5 * time.Minute,
			Table:         "leaseroute",
			Group:         100,
			MACRate:       2,
			CandidateRate: 300_000,
			MaxCandidates: 1 << 20,
			MaxVerified:   1 << 18,
			MaxPending:    1 << 16,
			PendingTime:   5 * time.Second,
		},
		Control: Control{Socket: "/run/leaseroute/control.sock"},
		Log:     Log{Level: logrus.InfoLevel},
	}
	for _, name := range []string{"minimal.yaml", "minimal.toml", "minimal.json"} {
		t.Run(name, func(t *testing.T) {
			got, err := Load(filepath.Join("testdata/good", name), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, got, sameConfig); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Every key reaches its field: no value here is a default.
func TestEveryKeyIsStored(t *testing.T) {
	want := &Config{
		RelayID:  []byte{0, 3, 0, 1, 2, 3},
		StateDir: "/srv/state",
		Interfaces: Interfaces{
			Access:       []string{"ppp*"},
			Core:         []string{"up[01]"},
			InterfaceIDs: []InterfaceID{{[]byte("ge-0/0"), "acc0"}, {[]byte("port 1"), "acc1"}},
		},
		Servers: []Server{{
			Name:              "a",
			Address:           netip.MustParseAddrPort("[2001:db8::1]:1547"),
			Source:            netip.MustParseAddr("2001:db8::2"),
			DUID:              []byte{0, 2, 0xff},
			Queries:           []QueryType{ByRemoteID, ByRelayID},
			QueryAll:          true,
			ConcurrentQueries: 4,
			Dialect:           "rfc",
			SequenceOption:    65004,
			NotifyOption:      65005,
			ConnectTimeout:    time.Second,
			DataTimeout:       400 * time.Second,
			SuspectRate:       0.5,
			Lookup:            true,
		}},
		Links:     []netip.Addr{netip.MustParseAddr("2001:db8:1::1")},
		RemoteIDs: [][]byte{{0, 0, 0x11, 0x8b, 0xab}},
		Delegation: Delegation{
			Allowed:              []netip.Prefix{netip.MustParsePrefix("2001:db8::/35"), netip.MustParsePrefix("3fff::/20")},
			MinLength:            56,
			MaxLength:            62,
			MaxPrefixesPerClient: 1,
			MaxPrefixesPerPort:   2,
			MaxValid:             3 * time.Hour,
			HoldDoubtful:         true,
			MaxBindings:          4,
		},
		Recovery: Recovery{GiveUp: time.Minute, Jitter: time.Second, ResyncInterval: time.Hour},
		Routes: Routes{
			Table:          1000,
			Protocol:       200,
			Metric:         50,
			RemoveOnExit:   true,
			FailSafeMargin: time.Minute,
			AdoptHold:      2 * time.Minute,
			InstallRate:    1000,
			AnnounceRate:   20_000,
		},
		Glean:     Glean{Outgoing: true, Buffer: 8 << 20, MaxTransactions: 4096},
		StateFile: StateFile{Interval: 5 * time.Minute},
		OnDemand: OnDemand{
			Guard:         true,
			InOrder:       true,
			LocalPort:     1546,
			Rate:          50,
			InterfaceRate: 5,
			Outstanding:   7,
			NegativeTTL:   2 * time.Minute,
			NoAnswerTTL:   3 * time.Minute,
			MaxNegative:   8,
			CheckBefore:   7 * time.Minute,
			Table:         "lr",
			Group:         9,
			Keep:          true,
			MACRate:       3,
			CandidateRate: 10_000,
			MaxCandidates: 2048,
			MaxVerified:   4096,
			MaxPending:    8192,
			PendingTime:   4 * time.Second,
		},
		Control: Control{Socket: "/run/c.sock", Group: "adm"},
		Metrics: Metrics{Listen: netip.MustParseAddrPort("[2001:db8::1]:9547")},
		Log:     Log{Level: logrus.TraceLevel, JSON: true},

		ReadyRecovered: true,
	}
	got, err := Load("testdata/good/every-key.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got, sameConfig); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnreadableFileIsNoFault(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if _, isFaults := errors.AsType[Faults](err); isFaults || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load: %v, want fs.ErrNotExist and no Faults", err)
	}
}

func TestFileHasABound(t *testing.T) {
	_, err := Load("/dev/zero", nil)
	if err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("Load: %v, want larger than 16 MiB", err)
	}
}

func TestPipeIsReadAsYAML(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, []byte(Reference), 0) }()
	got, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	want, err := Load("leaseroute.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got, sameConfig); diff != "" {
		t.Errorf("(-file +pipe):\n%s", diff)
	}
}

func TestFaultsUnwrap(t *testing.T) {
	_, err := Load("testdata/bad/all-at-once.yaml", nil)
	f, ok := errors.AsType[Fault](err)
	if !ok || f.Key == "" || f.Where == "" {
		t.Errorf("errors.AsType[Fault] = %+v, %t", f, ok)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	var s strings.Builder
	for range 1000 {
		s.WriteString("- 5\n")
	}
	_, err := parse("x.yaml", []byte("links:\n"+s.String()), nil)
	faults, ok := errors.AsType[Faults](err)
	if !ok || len(faults) != maxFaults+1 {
		t.Fatalf("%d faults, want %d", len(faults), maxFaults+1)
	}
	const want = "x.yaml: more than 100 faults, the rest is not shown"
	if last := faults[maxFaults].Error(); last != want {
		t.Errorf("the last is %q, want %q", last, want)
	}
}

// What reaches the relay's port is the relay's, and it must drop replies: we
// never ask from there.
func TestLocalPortIsNotTheRelays(t *testing.T) {
	for name, tt := range map[string]struct {
		port string
		good bool
	}{
		"C32 R16 the relay's port is refused":         {"547", false},
		"R16 the client's port, which is the default": {"546", true},
		"R16 any other port":                          {"10546", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LEASEROUTE_ON_DEMAND_LOCAL_PORT", tt.port)
			c, err := Load("testdata/good/minimal.yaml", nil)
			if good := err == nil && strconv.Itoa(int(c.OnDemand.LocalPort)) == tt.port; good != tt.good {
				t.Errorf("Load = %v", err)
			}
		})
	}
}
