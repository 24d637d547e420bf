package ondemand

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Suppress keeps what u is about from being reported for ttl.
func (n *NFT) Suppress(u Unknown, ttl time.Duration) error {
	f := n.table.family(u.Address)
	if f == nil || ttl <= 0 {
		return nil
	}
	p, err := u.Address.Prefix(f.mask)
	if err != nil {
		return fmt.Errorf("suppress %s: %w", u.Address, err)
	}
	s := mute{prefix: p.Addr(), source: u.Source}
	if u.Source {
		s.index = u.Interface
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.armed {
		return nil
	}
	if err := f.mute(n.kern, s, ttl); err != nil {
		n.stats.count(refusedMutes)
		return fmt.Errorf("suppress %s: %w", u.Address, err)
	}
	n.stats.count(muted)
	now := time.Now()
	n.mutes.put(s, now, now.Add(ttl))
	return nil
}

// Allow takes back what Suppress did for all of p.
func (n *NFT) Allow(p netip.Prefix) error {
	f := n.table.family(p.Addr())
	if f == nil {
		return nil
	}
	p = netip.PrefixFrom(p.Addr(), min(p.Bits(), f.mask)).Masked()
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, s := range n.mutes.take(p, time.Now()) {
		if err := f.unmute(n.kern, s); err != nil {
			errs = append(errs, fmt.Errorf("allow %s: %w", p, err))
			continue
		}
		n.stats.count(unmuted)
	}
	return errors.Join(errs...)
}

// place returns the set that a mute is in, and its key there.
func (f *familySets) place(s mute) (*nftables.Set, []byte) {
	if !s.source {
		return f.pendingDest, s.prefix.AsSlice()
	}
	return f.pending, append(binary.NativeEndian.AppendUint32(nil, uint32(s.index)), s.prefix.AsSlice()...)
}

// mute makes the kernel count packets as pending. The element is often
// there, since the rules have put it there: then it is replaced at once, since
// older kernels ignore a new timeout for an old element. Otherwise there is
// nothing to replace, and a transaction that deletes fails.
func (f *familySets) mute(k kernel, s mute, ttl time.Duration) error {
	set, key := f.place(s)
	with := []nftables.SetElement{{Key: key, Timeout: ttl}}
	err := k.change(func(c *nftables.Conn) error {
		return errors.Join(
			c.SetDeleteElements(set, []nftables.SetElement{{Key: key}}),
			c.SetAddElements(set, with))
	})
	if !errors.Is(err, unix.ENOENT) {
		return err
	}
	return k.change(func(c *nftables.Conn) error { return c.SetAddElements(set, with) })
}

// unmute takes a mute back. One that is gone is no error.
func (f *familySets) unmute(k kernel, s mute) error {
	set, key := f.place(s)
	err := k.change(func(c *nftables.Conn) error {
		return c.SetDeleteElements(set, []nftables.SetElement{{Key: key}})
	})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}
