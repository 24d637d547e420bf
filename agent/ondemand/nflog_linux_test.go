package ondemand

import (
	"context"
	"testing"

	"leaseroute/test/lab"
)

// ONDEMAND 5: what the socket could not hold is counted.
func TestLogReaderCountsWhatIsLost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := NewNFT(s.options())
	n.kern.space = int(s.space)
	log, err := openLog(n.kern.space, DefaultGroup, &n.stats)
	must(t, err)
	defer func() { must(t, log.close()) }()
	must(t, log.conn.SetReadBuffer(8<<10))
	must(t, n.write())
	server := lab.ServerAddress.String()
	const packets = 1000
	for i := range uint32(packets) {
		s.send("acc0", prefixed(i).String(), server)
	}
	w := &watch{site: s, NFT: n}
	w.await("src_asked", packets)

	ctx, cancel := context.WithCancel(t.Context())
	marks := uint32(packets)
	more := func() { // a gap shows when something follows
		marks++
		s.send("acc0", prefixed(marks).String(), server)
	}
	done := make(chan error)
	reports := make(chan logged, 2*packets)
	go func() { done <- log.run(ctx, func(l logged) { reports <- l }) }()
	for l := range reports {
		if u, ok := l.unknown(); ok && u.Address == prefixed(marks) {
			break
		}
		if len(reports) == 0 {
			more()
		}
	}
	cancel()
	must(t, <-done)
	w.counted("reports_lost", uint64(marks)-w.Stats()["reports"])
	for _, name := range []string{"reports_lost", "report_overruns"} {
		if w.Stats()[name] == 0 {
			t.Errorf("%s is 0; counters: %v", name, w.Stats())
		}
	}
}
