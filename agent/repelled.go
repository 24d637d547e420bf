package agent

import (
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/binding"
)

// repelledEvery bounds how often the log tells of claims that were in vain:
// every subscriber can make them.
const repelledEvery = 10 * time.Second

// repelled tells the log when somebody claims, or releases, what another
// client holds. The table counts all of it, and explain tells each.
type repelled struct {
	told uint64    // of the table's count
	next time.Time // not before
}

// tell names the last claim, if there was one since it told last.
func (r *repelled) tell(now time.Time, table *binding.Table, log *logrus.Entry, nameOf func(binding.Interface) string) {
	count := table.Counts().Repelled
	if count == r.told || now.Before(r.next) {
		return
	}
	fields := logrus.Fields{"claims": count - r.told}
	r.told, r.next = count, now.Add(repelledEvery)
	key := table.Repelled()
	fields["prefix"] = key.Prefix
	for _, e := range table.Story(key) {
		// Who releases a lease elsewhere may go by its client's name.
		if e.Won || e.Other == nil && e.Reason != binding.ReleaseDisputed {
			continue
		}
		fields["duid"], fields["link"], fields["source"], fields["reason"] = duidText(e.Client), nameOf(e.Interface), e.Source, e.Reason
		if delete(fields, "holder"); e.Other != nil {
			fields["holder"] = duidText(e.Other)
		}
	}
	log.WithFields(fields).Warn("a lease was claimed or released in vain")
}
