package ondemand

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"leaseroute/test/lab/labtest"
)

// childVariable makes this program detect instead of testing, and say what
// came of it.
const childVariable = "LEASEROUTE_TEST_DETECT"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		detect()
		return
	}
	goleak.VerifyTestMain(m)
}

func detect() {
	log := logrus.New()
	log.SetOutput(io.Discard)
	n := NewNFT(Options{Interfaces: func() []Interface { return nil }, Log: logrus.NewEntry(log)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // what is asked is how it begins
	err := n.Run(ctx, nil)
	fmt.Printf("capability %t kernel %t taken %t\n%v\n",
		errors.Is(err, ErrCapability), errors.Is(err, ErrKernel), errors.Is(err, ErrGroupTaken), err)
}

// child returns what the program says that detects in the router as somebody
// else.
func (s *site) child(as *syscall.SysProcAttr) (out string, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.SysProcAttr = as
	err = s.Router.Do(func() error {
		b, err := cmd.CombinedOutput()
		out = string(b)
		return err
	})
	return out, err
}

// ONDEMAND 8: without the capability the feature is off, and says why.
func TestNFTWithoutCapability(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	tests := []struct {
		name string
		as   syscall.SysProcAttr
	}{
		{"another user", syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}},
		// All capabilities, but not over this network namespace.
		{"another user namespace", syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := s.child(&tt.as)
			if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) {
				if os.Getenv(labtest.RequireRoot) == "1" {
					t.Fatal("the kernel gives no", tt.name, err)
				}
				t.Skip("the kernel gives no", tt.name, err)
			}
			must(t, err)
			if !strings.Contains(out, "capability true kernel false taken false") || !strings.Contains(out, "AmbientCapabilities=CAP_NET_ADMIN") {
				t.Errorf("got %s", out)
			}
		})
	}
	if got := s.tables(); got != nil {
		t.Errorf("tables %q", got)
	}
}

// ONDEMAND 5: a group that another has is told from a missing capability. The
// table of who was there first stays as it was.
func TestNFTGroupTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.watch(nil)
	second := NewNFT(s.options())
	second.kern.space = int(s.space)
	err := second.Run(t.Context(), nil)
	if !errors.Is(err, ErrGroupTaken) || errors.Is(err, ErrCapability) || !strings.Contains(err.Error(), "group 100") {
		t.Errorf("Run = %v, want %v", err, ErrGroupTaken)
	}
	s.send("acc0", cpe, "2001:db8:0:1::1")
	w.reported("acc0", cpe, true)
	w.counted("table_rewritten", 0)
}

func TestExplained(t *testing.T) {
	for errno, want := range map[unix.Errno]error{
		unix.EPERM: ErrCapability, unix.EACCES: ErrCapability,
		unix.EPROTONOSUPPORT: ErrKernel, unix.ENOENT: ErrKernel, unix.EOPNOTSUPP: ErrKernel, unix.EINVAL: ErrKernel,
		unix.ENOMEM: unix.ENOMEM,
	} {
		if err := explained(errno); !errors.Is(err, want) || !errors.Is(err, errno) {
			t.Errorf("explained(%v) = %v, want %v and the cause", errno, err, want)
		}
	}
}
