package lqclient

import (
	"errors"
	"time"

	"github.com/insomniacslk/dhcp/iana"
	"github.com/sirupsen/logrus"
)

// troubled shows and logs that the job went wrong, and returns how long to
// wait before the next attempt.
func (r *Requestor) troubled(err error, j job) time.Duration {
	pause := r.pauseAfter(err)
	r.logTrouble(err, j, pause)
	next := time.Now().Add(pause)
	r.board.change(func(s *Status) {
		s.Error, s.NextTry, s.Query = err, next, ""
		switch {
		case j.empty(): // only suspects are left: the round stands
		case errors.Is(err, errNoSource):
			s.State = Connecting
		default:
			s.State = Failed
		}
	})
	return pause
}

// logTrouble logs what went wrong. That our own address is not there yet is
// said once.
func (r *Requestor) logTrouble(err error, j job, pause time.Duration) {
	log := r.notes.log.WithFields(logrus.Fields{"error": err, "retry_in": pause.Round(time.Millisecond)})
	switch {
	case errors.Is(err, errNoSource):
		if !errors.Is(r.board.status().Error, errNoSource) {
			log.Info("waiting for our source address")
		}
	case j.empty():
		log.Warn("questions about suspects broke off")
	default:
		log.Warn("round broke off")
	}
}

// pauseAfter chooses the pause by what went wrong.
func (r *Requestor) pauseAfter(err error) time.Duration {
	var status *StatusError
	var useless *uselessError
	switch {
	case errors.Is(err, errNoSource):
		return sourcePause
	case errors.As(err, &useless):
		return max(randomized(maxPause), time.Until(useless.until))
	case errors.As(err, &status) && status.Code == iana.StatusQueryTerminated:
		return max(r.backoff.pause(), terminatedPause)
	}
	return r.backoff.pause()
}
