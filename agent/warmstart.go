package agent

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"leaseroute/agent/warm"
	"leaseroute/binding"
)

// stateFile is the name of the file with the bindings in state_dir.
const stateFile = "bindings"

// aside is what a state file that can't be read is renamed to: it is evidence.
const aside = ".damaged"

func (a *Agent) statePath() string { return filepath.Join(a.cfg.StateDir, stateFile) }

// recall hands on what an earlier run kept; nothing if there is none. A file
// that can't be used is set aside and said of, and never stops the start.
func (a *Agent) recall(ctx context.Context, out chan<- *binding.Batch) {
	if !a.cfg.StateFile.Enabled {
		return
	}
	m := memory{agent: a, now: time.Now(), out: out, servers: make(map[string]binding.Server)}
	for n, s := range a.cfg.Servers {
		m.servers[s.Name] = binding.Server(n + 1)
	}
	err := m.read(ctx)
	switch {
	case errors.Is(err, os.ErrNotExist), ctx.Err() != nil:
	case err != nil:
		err = errors.Join(err, os.Rename(a.statePath(), a.statePath()+aside))
		a.log.WithError(err).Warn("state file is not used, and set aside; the servers are asked all the same")
	case m.age < 0:
		a.log.WithFields(m.fields()).Warn("the clock is behind the state file: nothing in it expires, and all of it is asked about")
	default:
		a.log.WithFields(m.fields()).Info("state file read")
	}
}

// A memory turns the leases of the state file into observations of now.
type memory struct {
	agent   *Agent
	now     time.Time
	age     time.Duration // of the file, by the wall clock: nothing else survives a reboot
	out     chan<- *binding.Batch
	servers map[string]binding.Server
	leases  int // taken over
	stale   int // not: the kernel knew better
}

func (m *memory) fields() logrus.Fields {
	return logrus.Fields{"bindings": m.leases, "stale": m.stale, "age": m.age.Round(time.Second)}
}

func (m *memory) read(ctx context.Context) error {
	at, err := warm.WrittenAt(m.agent.statePath())
	if err != nil {
		return err
	}
	m.age = m.now.Round(0).Sub(at)
	b := binding.NewBatch()
	_, err = warm.Read(m.agent.statePath(), m.agent.cfg.Delegation.MaxBindings, func(l warm.Lease) error {
		b.Observations = append(b.Observations, m.observation(b, l))
		if !b.Full() {
			return nil
		}
		full := b
		b = binding.NewBatch()
		return m.send(ctx, full)
	})
	return errors.Join(err, m.send(ctx, b))
}

// send hands on those leases of a batch that the kernel's routes don't belie.
func (m *memory) send(ctx context.Context, b *binding.Batch) error {
	all := len(b.Observations)
	err := m.agent.call(ctx, func() {
		b.Observations = slices.DeleteFunc(b.Observations, m.agent.belied)
	})
	if err != nil {
		return err
	}
	m.leases += len(b.Observations)
	m.stale += all - len(b.Observations)
	select {
	case m.out <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// belied reports whether the routes that were found in the kernel contradict a
// lease of the state file. Where an earlier run left routes they are what it
// knew last, when the file may have been a minute old: a prefix that is not
// among them was given back, one by another next hop has moved. After a reboot
// there are none, and the file is all there is. The owner calls it.
func (a *Agent) belied(o binding.Observation) bool {
	table := a.owner.table
	if table.Counts().Sources[binding.FromKernel] == 0 || o.Key.Kind != binding.DelegatedPrefix {
		return false
	}
	b, found := table.Get(o.Key)
	switch {
	case !found:
		return a.links.Up(o.Interface)
	case b.Source != binding.FromKernel:
		return false
	}
	return b.Interface != o.Interface || b.NextHop != o.NextHop
}

// observation is what a lease says now. With a clock behind the file's time
// nothing has expired, and everything is doubtful.
func (m *memory) observation(b *binding.Batch, l warm.Lease) binding.Observation {
	wall := m.now.Round(0)
	if m.age < 0 {
		wall = wall.Add(-m.age)
	}
	return binding.Observation{
		Key: l.Key, Source: binding.FromState, Server: m.servers[l.Server],
		Client: b.Bytes(l.Client), ServerDUID: b.Bytes(l.ServerDUID),
		Received: m.now, CLT: onOurClock(m.now, wall, l.CLT),
		ValidUntil: onOurClock(m.now, wall, l.ValidUntil), PreferredUntil: onOurClock(m.now, wall, l.PreferredUntil),
		Interface: m.agent.links.Number(l.Interface), NextHop: l.NextHop,
		Doubtful: m.age < 0,
	}
}

// onOurClock takes an instant of the wall clock to the monotonic one.
func onOurClock(now, wall, t time.Time) time.Time {
	if t.Equal(binding.Forever) {
		return t
	}
	return now.Add(t.Sub(wall))
}

// keep writes the state file at the configured interval, if anything has
// changed.
func (a *Agent) keep(ctx context.Context) {
	tick := time.NewTicker(a.cfg.StateFile.Interval)
	defer tick.Stop()
	var written uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n, err := a.statements(ctx); err == nil && n != written && a.save(ctx) {
			written = n
		}
	}
}

// statements counts what the table was told: a measure of change.
func (a *Agent) statements(ctx context.Context) (n uint64, err error) {
	err = a.call(ctx, func() {
		for _, of := range a.owner.table.Counts().Observations {
			n += of
		}
	})
	return n, err
}

// save writes the state file, page by page, so that the owner is never held
// up for long. It reports whether it could.
func (a *Agent) save(ctx context.Context) bool { return a.write(a.pages(ctx)) }

// saveLast writes the state file when the owner has ended, and its table is
// nobody's any more. A run that ended before it had read the file leaves that
// alone: it knows less.
func (a *Agent) saveLast() {
	if a.cfg.StateFile.Enabled && a.recalled {
		a.write(a.owner.table.All())
	}
}

func (a *Agent) write(bindings iter.Seq[binding.Binding]) bool {
	err := os.MkdirAll(a.cfg.StateDir, 0o750)
	if err == nil {
		err = warm.Write(a.statePath(), time.Now(), a.leases(bindings))
	}
	if err != nil {
		a.log.WithError(err).Warn("state file was not written; the old one stays")
	}
	return err == nil
}

// pages yields all bindings, page by page.
func (a *Agent) pages(ctx context.Context) iter.Seq[binding.Binding] {
	return func(yield func(binding.Binding) bool) {
		var found []binding.Binding
		for from := binding.Ref(0); ; {
			err := a.call(ctx, func() { found, from = a.owner.table.Page(from, page, found[:0]) })
			if err != nil || len(found) == 0 {
				return
			}
			for _, b := range found {
				if !yield(b) {
					return
				}
			}
		}
	}
}

// leases yields what is worth keeping: all but adopted routes, which the
// kernel keeps itself.
func (a *Agent) leases(bindings iter.Seq[binding.Binding]) iter.Seq[warm.Lease] {
	return func(yield func(warm.Lease) bool) {
		for b := range bindings {
			if b.Source != binding.FromKernel && !yield(a.lease(b)) {
				return
			}
		}
	}
}

func (a *Agent) lease(b binding.Binding) warm.Lease {
	return warm.Lease{
		Key: b.Key, Client: b.Client, ServerDUID: b.ServerDUID, Server: a.serverName(b.Server),
		Interface: a.links.Name(b.Interface), NextHop: b.NextHop,
		CLT: b.CLT, ValidUntil: b.ValidUntil, PreferredUntil: b.PreferredUntil,
	}
}
