package lqserver

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/iana"
)

// FuzzParseQuery wants every message either dropped or answered, whatever is
// in it.
func FuzzParseQuery(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.query.bin")
	must(f, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		must(f, err)
		f.Add(b)
	}
	for _, a := range []ask{byRemoteID(remoteA), byClientID(clientA), byLink("2001:db8:1::1"), byAddress("2001:db8:8000::1")} {
		f.Add(a.message())
	}
	g, err := Generate(testPlan())
	must(f, err)
	stores := []Store{g, fixture()}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := parseQuery(b, testDUID)
		if err != nil {
			if !errors.Is(err, errDropped) {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, s := range stores {
			for _, m := range []Manner{{}, Kea(), Dhcpd()} {
				found := (&engine{store: s, manner: m}).find(q, &Faults{}, time.Now())
				if len(found.leases) > 0 && (len(found.links) > 0 || found.Status != iana.StatusSuccess) || len(found.links) == 1 {
					t.Errorf("%d leases, links %s, status %s", len(found.leases), found.links, found.Status)
				}
			}
			a := (&engine{store: s}).answer(q, &Faults{}, time.Now())
			for range 10 {
				if a.group(time.Now()) == nil {
					break
				}
			}
		}
	})
}
