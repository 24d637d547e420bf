package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"leaseroute/agent/control"
	"leaseroute/agent/metrics"
	"leaseroute/agent/ondemand"
	"leaseroute/binding"
	"leaseroute/config"
	"leaseroute/gleaner"
	"leaseroute/lqclient"
	"leaseroute/routes"
)

// maxSuspects bounds how many questions a requestor is handed at once.
const maxSuspects = 1024

// errStopping is what a call gets when the daemon ends.
var errStopping = errors.New("the daemon is stopping")

// An Agent is the daemon: Run once.
type Agent struct {
	cfg     *config.Config
	version string
	log     *logrus.Entry
	started time.Time
	relayID []byte

	links   *routes.Links
	kernel  *routes.Kernel
	servers []*lqclient.Requestor
	gleaner *gleaner.Gleaner              // nil: not gleaning
	ports   map[netip.Addr]*lqclient.Port // by the address that they are at
	engine  *ondemand.Engine
	metrics *metrics.Server // nil: there is none
	crowd   *control.Crowd  // at the control socket
	owner   *owner

	lists    *semaphore.Weighted // those being sent on the control socket
	watchers *semaphore.Weighted // those who follow what happens
	calls    chan func()         // run by the owner; never closed
	stopped  chan struct{}       // closed when the owner has returned
	blind    chan struct{}       // closed when the gleaner turned out not to be allowed to watch
	notify   notifier

	recalled bool // the state file's bindings are in the table; read once learn has returned

	observed chan *binding.Batch // never closed: senders also watch ctx
	pool     pool                // what outlives a configuration
	reloads  reloads
}

// New makes the daemon that the configuration asks for. It starts nothing but
// takes what only one daemon may have: our identity on disk and the kernel's
// socket. The error names what is missing (a capability, a file) and what to
// do; after one, nothing needs to be closed.
func New(cfg *config.Config, version string, log *logrus.Entry) (*Agent, error) {
	id, err := relayID(cfg.RelayID, cfg.StateDir)
	if err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: cfg, version: version, log: log, started: time.Now(), relayID: id,
		links:    NewLinks(cfg, id),
		lists:    semaphore.NewWeighted(maxLists),
		watchers: semaphore.NewWeighted(maxWatchers),
		calls:    make(chan func()),
		stopped:  make(chan struct{}),
		blind:    make(chan struct{}),
		notify:   notifier{log: log},
		crowd:    control.NewCrowd(control.MaxConnections),

		observed: make(chan *binding.Batch, 8),
		reloads:  newReloads(),
	}
	if err := a.links.Refresh(); err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	a.kernel, err = routes.Open(routeOptions(cfg), a.links, log)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: run it as root, with AmbientCapabilities=CAP_NET_ADMIN in its unit, or after 'setcap cap_net_admin+ep' on the program", err)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Run is the daemon's life: it watches the kernel and the wire, adopts the
// routes that an earlier run left, recalls what that run knew, and only then
// asks the servers (seed 000, section 4.5.2). It returns nil once ctx has ended, else the first error that can't heal,
// and never before its goroutines have.
func (a *Agent) Run(ctx context.Context) error {
	defer func() { a.kernel.Close() }()
	a.logStart()
	for {
		next, err := a.live(ctx)
		switch {
		case err != nil:
			return err
		case next == nil:
			return a.leave()
		}
		a.become(next)
	}
}

// live is the daemon's life with one configuration. It returns the next one, or
// nil once ctx has ended.
func (a *Agent) live(ctx context.Context) (*generation, error) {
	socket, err := control.Listen(a.cfg.Control.Socket, a.cfg.Control.Group)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	guard, err := control.Guard(a.cfg.Routes.Table, a.cfg.Routes.Protocol)
	if err != nil {
		return nil, err
	}
	if guard != nil {
		defer guard.Close()
	}
	adopted := make(chan struct{})
	ctx, end := context.WithCancel(ctx)
	defer end()
	g, ctx := errgroup.WithContext(ctx)
	a.build(g, ctx, adopted)
	var next *generation
	g.Go(func() error { next = a.awaitReload(ctx); end(); return nil })
	g.Go(func() error { return control.Serve(ctx, socket, a.handler(), a.crowd) })
	g.Go(func() error { return a.learn(ctx, adopted) })
	g.Go(func() error { a.report(ctx); return nil })
	g.Go(func() error { a.watchdog(ctx); return nil })
	if a.cfg.ReadyRecovered {
		g.Go(func() error { a.readyWhenRecovered(ctx); return nil })
	}
	return next, g.Wait()
}

// build makes the owner, what feeds it and what shows it, and starts them in
// g: the kernel's monitor, the installer, the lookups, the gleaner, the metrics.
func (a *Agent) build(g *errgroup.Group, ctx context.Context, adopted chan struct{}) {
	events := make(chan routes.Event, 1024)                          // never closed: the monitor also watches ctx
	changed, moved := make(chan struct{}, 1), make(chan struct{}, 1) // a token: interfaces came or went
	jobs, results := make(chan job), make(chan result)
	a.stopped, a.blind = make(chan struct{}), make(chan struct{})
	a.newPorts()
	a.servers = a.requestors()
	a.engine = a.newEngine(moved)
	a.owner = &owner{
		table:    a.table(),
		observed: a.observed, events: events, calls: a.calls,
		jobs: jobs, results: results, adopted: adopted,
		audit: auditWanted, tidy: true,
		log: a.log, nameOf: a.links.Name,
		recovery: a.resumeRecovery(),
		changes:  a.pool.changes,
		announce: a.announcer(),
		servers:  a.servers,
		askFor:   linksOf(a.cfg, a.links),
		resync:   a.cfg.Recovery.ResyncInterval,
		changed:  []chan<- struct{}{changed, moved},
		engine:   a.engine,
	}
	a.owner.catchUp(&a.pool)
	install := &installer{kernel: a.kernel, jobs: jobs, results: results, log: a.log}
	g.Go(func() error { return a.kernel.Watch(ctx, events) })
	g.Go(func() error { install.run(ctx); return nil })
	g.Go(func() error { defer close(a.stopped); a.owner.run(ctx); return nil })
	g.Go(func() error { return a.runLookups(ctx) })
	if a.gleaner = a.newGleaner(a.observed, changed); a.gleaner != nil {
		g.Go(func() error { return a.glean(ctx) })
	}
	if a.metrics = a.newMetrics(); a.metrics != nil { // last: it reads all the others
		g.Go(func() error { return a.metrics.Run(ctx) })
	}
}

// learn is the order in which the sources begin: once the kernel's routes have
// been adopted and the wire is watched, the state file is read, and then the
// requestors run.
func (a *Agent) learn(ctx context.Context, adopted <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return nil
	case <-adopted:
	}
	if !a.watch(ctx) {
		return nil
	}
	a.reloaded()
	if !a.cfg.ReadyRecovered {
		a.notify.send(daemon.SdNotifyReady)
	}
	if !a.recalled {
		a.recall(ctx, a.observed)
		a.recalled = a.call(ctx, func() {}) == nil // after this the owner has taken it in
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range a.servers {
		g.Go(func() error { return s.Run(ctx) })
	}
	if a.cfg.StateFile.Enabled {
		g.Go(func() error { a.keep(ctx); return nil })
	}
	return g.Wait()
}

// leave is the last step: routes stay, unless the configuration says remove.
func (a *Agent) leave() error {
	a.notify.send(daemon.SdNotifyStopping)
	a.saveLast()
	if !a.cfg.Routes.RemoveOnExit {
		a.log.Info("stopped; the routes stay in the kernel")
		return nil
	}
	if err := a.kernel.RemoveAll(context.Background()); err != nil {
		return fmt.Errorf("remove our routes: %w", err)
	}
	a.log.Info("stopped; our routes are removed")
	return nil
}

func (a *Agent) logStart() {
	a.log.WithFields(logrus.Fields{
		"version":  a.version,
		"relay_id": duidText(a.relayID),
		"servers":  len(a.cfg.Servers),
	}).Info("starting")
	if len(LinksFor(a.cfg, a.links)) == 0 {
		a.log.Warn("no access interface has a global address yet: queries by link-address have nothing to ask for")
	}
}

// call has the owner run f between two of its steps, and waits for it.
func (a *Agent) call(ctx context.Context, f func()) error {
	done := make(chan struct{})
	run := func() { f(); close(done) }
	select {
	case a.calls <- run:
	case <-a.stopped:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done // the owner runs what it has taken
	return nil
}

// suspects hands a requestor the leases to ask its server about.
func (a *Agent) suspects(ctx context.Context, s binding.Server) ([]binding.Key, error) {
	var keys []binding.Key
	err := a.call(ctx, func() { keys = a.owner.table.Suspects(s, maxSuspects, nil) })
	return keys, err
}
