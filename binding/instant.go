package binding

import (
	"math"
	"time"
)

// An instant is a point in time in nanoseconds since the table was made, by
// the monotonic clock: a step of the wall clock changes none (R71).
type instant int64

const (
	forever instant = math.MaxInt64
	never   instant = math.MinInt64 // stands for "unknown"

	// reach bounds instants that are subtracted from each other.
	reach instant = 1 << 61
)

// A second is an instant in whole seconds, for what needs no more. It reaches
// from 34 years before the table was made to 102 years after.
type second uint32

const (
	noSecond   second = 0 // stands for "unknown"
	lastSecond second = math.MaxUint32

	secondsBefore = 1 << 30
)

func (i instant) second() second {
	if i == forever {
		return lastSecond
	}
	s := i/instant(time.Second) + secondsBefore
	return second(min(max(s, 1), instant(lastSecond-1)))
}

func (s second) instant() instant {
	if s == lastSecond {
		return forever
	}
	return (instant(s) - secondsBefore) * instant(time.Second)
}

// apart is the distance of two seconds; an infinite one is far from all else.
func (s second) apart(o second) time.Duration {
	switch {
	case s == o:
		return 0
	case s == lastSecond || o == lastSecond:
		return math.MaxInt64
	}
	return time.Duration(max(s, o)-min(s, o)) * time.Second
}

// instant converts a time that is to be compared with others of its kind.
func (t *Table) instant(x time.Time) instant {
	return min(max(instant(x.Sub(t.base)), -reach), reach)
}

// expiry converts the end of a lifetime, which may be infinite.
func (t *Table) expiry(x time.Time) instant {
	i := instant(x.Sub(t.base)) // saturates
	if i > reach {
		return forever
	}
	return max(i, -reach)
}

// time converts back. The wall clock's reading is counted from the last time
// that the caller told, so that it is right after a step.
func (t *Table) time(i instant) time.Time {
	switch i {
	case forever:
		return Forever
	case never:
		return time.Time{}
	}
	return t.now.Add(time.Duration(i - t.at))
}

// tick takes in what time it is.
func (t *Table) tick(now time.Time) {
	t.now, t.at = now, t.instant(now)
}
