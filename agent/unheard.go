package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// unheardFile is there in the state folder while somebody who listens may not
// know our routes, so that a run that ends meanwhile leaves that to the next.
const unheardFile = "unheard"

func (a *Agent) unheardPath() string { return filepath.Join(a.cfg.StateDir, unheardFile) }

// unheard reports whether an earlier run was still telling others about its
// routes when it ended.
func (a *Agent) unheard() bool {
	_, err := os.Stat(a.unheardPath())
	return err == nil
}

// markUnheard makes the file or removes it, as the hearing has become. It
// returns whether it is there now. That it can't is told once, and costs only
// what the file is for.
func (a *Agent) markUnheard(now hearing, there bool) bool {
	behind := now == hearingWaiting || now == hearingBusy || now == hearingTired
	if behind == there {
		return there
	}
	err := os.Remove(a.unheardPath())
	if behind {
		err = errors.Join(os.MkdirAll(a.cfg.StateDir, 0o750), os.WriteFile(a.unheardPath(), nil, 0o600))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.WithError(err).Warn("can't note that routing daemons are being told again; a restart would leave it at that")
	}
	return behind
}
