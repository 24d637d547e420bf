//go:build linux

package interop

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"leaseroute/test/lab"
)

// datagrams counts what has come over UDP at the edge's own server, as the
// kernel there counts it. Nobody but leaseroute sends any.
func (s *site) datagrams(t *testing.T) int {
	t.Helper()
	return received(t, s.Server)
}

// received counts the datagrams that programs in a namespace could read.
func received(t *testing.T, n *lab.Namespace) (count int) {
	t.Helper()
	must(t, n.Do(func() error {
		f, err := os.Open("/proc/thread-self/net/snmp6")
		if err != nil {
			return err
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if words := strings.Fields(lines.Text()); len(words) == 2 && words[0] == "Udp6InDatagrams" {
				count, err = strconv.Atoi(words[1])
				return err
			}
		}
		return os.ErrNotExist
	}))
	return count
}
