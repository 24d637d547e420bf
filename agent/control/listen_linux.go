package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrInUse reports that another daemon answers on the socket.
var ErrInUse = errors.New("another leaseroute is running")

// Listen makes the socket, and removes one that a dead daemon left behind.
// Besides root and our own user only members of group, a name or a number, may
// connect; "" stands for the group that the process has. The error wraps
// ErrInUse if a live daemon answers there.
func Listen(socket, group string) (net.Listener, error) {
	if c, err := net.Dial("unix", socket); err == nil {
		defer c.Close()
		return nil, fmt.Errorf("control socket %s: %w as process %d: stop it first", socket, ErrInUse, peerOf(c).pid)
	}
	gid, err := groupID(group)
	if err != nil {
		return nil, fmt.Errorf("control.group: %w", err)
	}
	if err := makeDirectory(filepath.Dir(socket), gid); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := removeStale(socket); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	l, err := listenAs(socket, gid)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}

// listenAs makes the socket with a group and mode 0660. There is no instant at
// which others may connect.
func listenAs(socket string, gid int) (net.Listener, error) {
	old := unix.Umask(0o177)
	l, err := net.Listen("unix", socket)
	unix.Umask(old)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chown(socket, -1, gid), os.Chmod(socket, 0o660)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// makeDirectory makes the socket's directory, if it is not there, for the
// group to enter.
func makeDirectory(path string, gid int) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o750); err != nil {
		return err
	}
	return os.Chown(path, -1, gid)
}

// groupID is the number of a group; -1 for "".
func groupID(group string) (int, error) {
	if group == "" {
		return -1, nil
	}
	if n, err := strconv.ParseUint(group, 10, 31); err == nil {
		return int(n), nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, fmt.Errorf("%w: make it with 'groupadd --system %s', or name another", err, group)
	}
	return strconv.Atoi(g.Gid)
}

// removeStale removes a socket, and nothing else: the path is an operator's to
// mistype.
func removeStale(socket string) error {
	info, err := os.Lstat(socket)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s is there, and is no socket: choose another control.socket", socket)
	}
	return os.Remove(socket)
}
