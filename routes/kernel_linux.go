package routes

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// maxBatch is the number of messages in one system call: more gains nothing,
// and this many answers fit a default receive buffer even when every message
// fails (LIMITS.md 2).
const maxBatch = 200

// A Kernel writes our routes, reads them, and watches them. Apply, Dump,
// EnsureAggregates and RemoveAll belong to one goroutine, so that no dump runs
// beside an installation (quadratic in the kernel); Watch may run beside them.
type Kernel struct {
	options Options
	links   *Links
	log     *logrus.Entry

	socket  *socket  // the installer's; the monitor does not hear what it does
	query   *socket  // the watcher's
	monitor *os.File // subscribed since Open

	encoder   encoder
	known     known
	limiter   *rate.Limiter // nil: full speed
	repeating *rate.Limiter // of Announce, which sets its limit
	batch     int           // messages a system call, at most maxBatch
	counters

	audience *audience // nil: it can't be looked at, and deaf says why
	deaf     error

	// endless is set while a route of ours may have no expiry: such a one must
	// be replaced to get one.
	endless bool

	// What Apply uses again and again.
	places []place
	jobs   []job
	redo   []job
	seen   *snapshot      // that near was made from
	near   []netip.Prefix // addresses' prefixes that touch an allowed block: disjoint and sorted
}

// Open makes a Kernel in the caller's network namespace and renews l. From
// here on the monitor listens, so that nothing is missed between a Dump and
// Watch. The error wraps os.ErrPermission if CAP_NET_ADMIN is missing.
func Open(o Options, l *Links, log *logrus.Entry) (*Kernel, error) {
	k := &Kernel{
		options: o, links: l, log: log,
		encoder:   newEncoder(o.Table, o.Protocol),
		known:     known{own: o.Protocol, metric: o.Metric, allowed: o.Allowed, facts: newFacts()},
		batch:     maxBatch,
		repeating: rate.NewLimiter(0, 2*maxBatch),
	}
	if o.InstallRate > 0 {
		k.batch = max(1, min(maxBatch, o.InstallRate/20))
		k.limiter = rate.NewLimiter(rate.Limit(o.InstallRate), k.batch)
	}
	if err := k.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open netlink: %w", err), k.Close())
	}
	return k, nil
}

func (k *Kernel) open() (err error) {
	if k.socket, err = openSocket(); err != nil {
		return err
	}
	if k.query, err = openSocket(); err != nil {
		return err
	}
	if k.monitor, err = openMonitor(k.socket.port, k.options); err != nil {
		return err
	}
	if err = k.links.refresh(k.query); err != nil {
		return err
	}
	if err = k.permitted(); err != nil {
		return err
	}
	return k.listen()
}

// listen begins to look at what others lose. That it can't is no reason not to
// install routes.
func (k *Kernel) listen() error {
	conn, err := k.monitor.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Control(func(fd uintptr) {
		if k.audience, err = openAudience(int(fd)); err != nil {
			k.deaf = openMissing(err)
		}
	})
}

// permitted asks the kernel to delete a route without saying which: it looks
// at our capability first, and only then finds the request malformed.
func (k *Kernel) permitted() error {
	s := k.socket
	s.out = finish(append(appendHeader(s.out[:0], unix.RTM_DELROUTE, unix.NLM_F_ACK, s.seq), unix.AF_INET6, 0, 0, 0), 0)
	s.seq++
	if err := s.send(); err != nil {
		return err
	}
	probe := make([]job, 1)
	if err := s.answers(s.seq-1, probe); err != nil {
		return err
	}
	if errno := probe[0].answer.errno; errno == unix.EPERM {
		return fmt.Errorf("write routes: CAP_NET_ADMIN is needed: %w", os.ErrPermission)
	}
	return nil
}

// Close gives the sockets back. Nothing else may be called after it.
func (k *Kernel) Close() error {
	var errs []error
	for _, s := range []*socket{k.socket, k.query} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	if k.monitor != nil {
		errs = append(errs, k.monitor.Close())
	}
	if k.audience != nil {
		errs = append(errs, k.audience.close())
	}
	return errors.Join(errs...)
}

// Stats returns the counters. Any goroutine may call it.
func (k *Kernel) Stats() Stats {
	return k.counters.stats()
}
