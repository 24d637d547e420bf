package agent

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"leaseroute/binding"
)

// TestRepelledClaimsAreTold (DESIGN.md, rule 10): whoever claims what another
// client holds is named in the log, and can't fill it.
func TestRepelledClaimsAreTold(t *testing.T) {
	now := time.Now()
	key := keyOf(netip.MustParsePrefix("2001:db8:8000:100::/56"))
	table := binding.New(binding.Policy{Allowed: []netip.Prefix{key.Prefix}, MinLength: 48, MaxLength: 64}, now)
	claim := func(client string, age time.Duration) {
		b := binding.NewBatch()
		defer b.Free()
		b.Observations = append(b.Observations, binding.Observation{
			Key: key, Source: binding.FromBulk, Server: 1, Client: []byte(client), Received: now, CLT: now.Add(-age),
			ValidUntil: now.Add(time.Hour), PreferredUntil: now.Add(time.Hour), Interface: 7,
		})
		table.Apply(now, b, nil)
	}
	logger, hook := test.NewNullLogger()
	var r repelled
	tell := func(want ...string) {
		t.Helper()
		r.tell(now, table, logrus.NewEntry(logger), func(i binding.Interface) string { return fmt.Sprint("acc", i) })
		var told []string
		for _, e := range hook.AllEntries() {
			told = append(told, fmt.Sprintf("%s: %v by %s of %s on %v, %v; %v", e.Level, e.Data["prefix"], e.Data["duid"], e.Data["holder"], e.Data["link"], e.Data["reason"], e.Data["claims"]))
		}
		hook.Reset()
		if d := cmp.Diff(want, told); d != "" {
			t.Errorf("the log (-want +got):\n%s", d)
		}
	}
	const line = "warning: 2001:db8:8000:100::/56 by 62:6f:62 of 61:6e:6e on acc7, the client spoke to its server earlier; %d"

	claim("ann", time.Minute)
	tell()
	claim("bob", time.Hour)
	claim("bob", 2*time.Hour)
	tell(fmt.Sprintf(line, 2))
	for range 1000 {
		claim("bob", time.Hour)
		now = now.Add(time.Millisecond)
		tell()
	}
	now = now.Add(repelledEvery)
	tell(fmt.Sprintf(line, 1000))
	tell()
}
