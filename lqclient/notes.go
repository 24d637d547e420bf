package lqclient

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"
)

// logInterval bounds how often a peer can make us log the same thing. The
// counters tell how often it really happened.
const logInterval = 10 * time.Second

// notes is where all connections to one server leave what happened: counters,
// log lines, and when something was last heard. It is used from any goroutine.
type notes struct {
	counters Counters // by way of count and snapshot only
	log      *logrus.Entry

	start time.Time    // for heard
	heard atomic.Int64 // when a message last came, in ns since start, plus 1; 0: none did

	mu     sync.Mutex
	limits map[string]*rate.Sometimes // by log message: these are constants
}

// newNotes returns empty notes. Without a log nothing is logged.
func newNotes(log *logrus.Entry) *notes {
	if log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		log = logrus.NewEntry(silent)
	}
	return &notes{log: log, start: time.Now(), limits: make(map[string]*rate.Sometimes)}
}

// hear notes that a message was received at that time.
func (n *notes) hear(at time.Time) { n.heard.Store(int64(at.Sub(n.start)) + 1) }

// lastHeard returns when a message was last received, zero if never.
func (n *notes) lastHeard() time.Time {
	if since := n.heard.Load(); since != 0 {
		return n.start.Add(time.Duration(since - 1))
	}
	return time.Time{}
}

// odd counts something that a server should not do and logs it, at a bounded
// rate. message is a constant.
func (n *notes) odd(counter *uint64, message string, fields logrus.Fields) {
	count(counter)
	n.mu.Lock()
	limit := n.limits[message]
	if limit == nil {
		limit = &rate.Sometimes{Interval: logInterval}
		n.limits[message] = limit
	}
	n.mu.Unlock()
	limit.Do(func() { n.log.WithFields(fields).Warn(message) })
}
