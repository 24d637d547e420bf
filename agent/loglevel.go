package agent

import (
	"net/http"

	"github.com/sirupsen/logrus"

	"leaseroute/agent/control"
)

// serveLogLevel answers with the level of the log, and sets it with POST and
// ?level=.
func (a *Agent) serveLogLevel(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		asked := r.URL.Query().Get("level")
		level, err := logrus.ParseLevel(asked)
		if err != nil || level < logrus.ErrorLevel {
			control.Refuse(w, http.StatusBadRequest, "level %q: choose error, warn, info, debug or trace", asked)
			return
		}
		a.log.Logger.SetLevel(level)
		a.log.WithField("to", levelName(level)).Info("log level is changed")
	}
	control.Reply(w, control.LogLevel{Level: levelName(a.log.Logger.GetLevel())})
}

// levelName is a level as the configuration writes it.
func levelName(l logrus.Level) string {
	if l == logrus.WarnLevel {
		return "warn"
	}
	return l.String()
}
