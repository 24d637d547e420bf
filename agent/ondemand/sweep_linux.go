package ondemand

import (
	"fmt"

	"github.com/google/nftables"
)

// Sweep takes out the table of an earlier run, if there is one: for a daemon
// that is to notice nothing. With guard it would go on dropping packets.
func Sweep(name string) (found bool, err error) {
	c, err := nftables.New()
	if err != nil {
		return false, fmt.Errorf("look for the table %s: %w", name, err)
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return false, fmt.Errorf("look for the table %s: %w", name, err)
	}
	for _, t := range tables {
		if t.Name == name {
			c.DelTable(t)
			if err := c.Flush(); err != nil {
				return true, fmt.Errorf("remove the table %s: %w", name, err)
			}
			return true, nil
		}
	}
	return false, nil
}
