package agent

import (
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"
)

// notifier tells systemd how we are; without systemd it does nothing.
type notifier struct {
	log  *logrus.Entry
	last string
}

// send passes a state on once: repeats are not sent.
func (n *notifier) send(state string) {
	if state == n.last {
		return
	}
	n.last = state
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.log.WithError(err).Warn("systemd was not told our state")
	}
}
