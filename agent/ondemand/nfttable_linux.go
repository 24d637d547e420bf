package ondemand

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// A kernel is where the table is written. Each request has a connection of
// its own: answers that an error has left unread are nobody's then.
type kernel struct {
	space int // network namespace, a descriptor; 0: the caller's own
}

func (k kernel) conn() (*nftables.Conn, error) {
	return nftables.New(nftables.WithNetNSFd(k.space))
}

// probe says whether we may write rules and there is something to write them
// to. The kernel checks the capability for each request, a mere question too,
// and in the right namespace.
func (k kernel) probe() error {
	c, err := k.conn()
	if err != nil {
		return err
	}
	if _, err := c.ListTablesOfFamily(nftables.TableFamilyINet); err != nil {
		return fmt.Errorf("list nftables tables: %w", explained(err))
	}
	return nil
}

// explained adds the sentinel to an error of the kernel's, if there is one for
// it.
func explained(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w (%w)", ErrCapability, err)
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EAFNOSUPPORT),
		errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%w (%w)", ErrKernel, err)
	}
	return err
}

// change makes changes in one transaction.
func (k kernel) change(fill func(*nftables.Conn) error) error {
	c, err := k.conn()
	if err != nil {
		return err
	}
	if err := fill(c); err != nil {
		return err
	}
	return c.Flush()
}

// write replaces the table, whatever was in it, in one transaction: no packet
// sees half of it. Deleting needs something to delete.
func (t *table) write(k kernel, now []Interface) error {
	access, core := ports(t.opts, now)
	t.elements[t.access], t.elements[t.core] = rangeElements(access), rangeElements(core)
	err := k.change(func(c *nftables.Conn) error {
		c.AddTable(t.name)
		c.DelTable(t.name)
		c.AddTable(t.name)
		for _, name := range kernelCounters {
			c.AddObj(&nftables.CounterObj{Table: t.name, Name: name})
		}
		for _, s := range t.sets {
			if err := c.AddSet(s, t.elements[s]); err != nil {
				return err
			}
		}
		t.addChains(c)
		return nil
	})
	if err != nil {
		return fmt.Errorf("write nftables table %s: %w", t.name.Name, explained(err))
	}
	return nil
}

// addChains adds the chains, then their rules, which name chains.
func (t *table) addChains(c *nftables.Conn) {
	chains := t.chains()
	for _, ch := range chains {
		c.AddChain(t.chain(ch.name))
	}
	for _, ch := range chains {
		for _, exprs := range ch.rules {
			c.AddRule(&nftables.Rule{Table: t.name, Chain: t.chain(ch.name), Exprs: exprs})
		}
	}
}

// chain describes a chain. The entry sees packets before they are tracked or
// routed, and defragmented ones.
func (t *table) chain(name string) *nftables.Chain {
	c := &nftables.Chain{Name: name, Table: t.name}
	if name == entryChain {
		accept := nftables.ChainPolicyAccept
		c.Type, c.Policy = nftables.ChainTypeFilter, &accept
		c.Hooknum, c.Priority = nftables.ChainHookPrerouting, nftables.ChainPriorityRaw
	}
	return c
}

// whole reports whether the table is still there with its entry as written.
func (t *table) whole(k kernel) (bool, error) {
	c, err := k.conn()
	if err != nil {
		return false, err
	}
	rules, err := c.GetRules(t.name, t.chain(entryChain))
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("list rules of nftables table %s: %w", t.name.Name, err)
	}
	return len(rules) == len(t.chains()[0].rules), nil
}

// rename writes the names of the interfaces of now.
func (t *table) rename(k kernel, access, core []span) error {
	err := k.change(func(c *nftables.Conn) error {
		c.FlushSet(t.access)
		c.FlushSet(t.core)
		return errors.Join(
			addElements(c, t.access, rangeElements(access)),
			addElements(c, t.core, rangeElements(core)))
	})
	if err != nil {
		return fmt.Errorf("write interfaces to nftables table %s: %w", t.name.Name, err)
	}
	return nil
}

func addElements(c *nftables.Conn, s *nftables.Set, elements []nftables.SetElement) error {
	if len(elements) == 0 {
		return nil
	}
	return c.SetAddElements(s, elements)
}

// remove takes the table away, if it is there.
func (t *table) remove(k kernel) error {
	err := k.change(func(c *nftables.Conn) error {
		c.AddTable(t.name)
		c.DelTable(t.name)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove nftables table %s: %w", t.name.Name, err)
	}
	return nil
}

// count returns what the rules have counted since the table was written.
func (t *table) count(k kernel) (map[string]uint64, error) {
	c, err := k.conn()
	if err != nil {
		return nil, err
	}
	objects, err := c.GetObjects(t.name)
	if err != nil {
		return nil, fmt.Errorf("read counters of nftables table %s: %w", t.name.Name, err)
	}
	out := make(map[string]uint64, len(objects))
	for _, o := range objects {
		if counter, ok := o.(*nftables.CounterObj); ok {
			out[counter.Name] = counter.Packets
		}
	}
	return out, nil
}
