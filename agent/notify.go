package agent

import (
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"
)

// notifier tells systemd how we are; without systemd it does nothing. Any
// goroutine may use it.
type notifier struct {
	log *logrus.Entry
}

// send passes states on, one in a line (sd_notify(3)).
func (n notifier) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.log.WithError(err).Warn("systemd was not told our state")
	}
}
