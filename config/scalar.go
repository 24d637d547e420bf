package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// boolean is the kind of switches. YAML 1.1's yes and no are text.
func boolean() kind[bool] {
	const words = "true or false"
	return kind[bool]{words: words, scalar: true, parse: func(p place, v any) bool {
		switch b := v.(type) {
		case bool:
			return b
		case string:
			if p.text && (b == "true" || b == "false") {
				return b == "true"
			}
		}
		p.refuse(v, "is neither true nor false", words)
		return false
	}}
}

// integer is the kind of whole numbers in a range.
func integer(least, most int64) kind[int64] {
	words := fmt.Sprintf("a whole number from %d to %d", least, most)
	return ranged(words, least, most, func(int64) error { return nil })
}

// ranged is the kind of whole numbers in a range of which check may refuse
// some.
func ranged(words string, least, most int64, check func(int64) error) kind[int64] {
	return kind[int64]{words: words, scalar: true, parse: func(p place, v any) int64 {
		n, ok := whole(v, p.text)
		var err error
		switch {
		case !ok:
			err = errors.New("is not a whole number")
		case n < least || n > most:
			err = errors.New("is out of range")
		default:
			err = check(n)
		}
		if err != nil {
			p.refuse(v, err.Error(), words)
			return 0
		}
		return n
	}}
}

// whole takes a whole number out of what YAML, TOML or JSON made of it (JSON
// knows only floating point) or, if text is set, out of a string.
func whole(v any, text bool) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case uint64:
		return math.MaxInt64, true // YAML uses it only for what int64 can't hold
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) <= 1<<53
	case string:
		if !text {
			return 0, false
		}
		i, err := strconv.ParseInt(n, 10, 64)
		return i, err == nil
	}
	return 0, false
}

// number is the kind of numbers in a range.
func number(least, most float64) kind[float64] {
	words := fmt.Sprintf("a number from %v to %v", least, most)
	return kind[float64]{words: words, scalar: true, parse: func(p place, v any) float64 {
		f, ok := real(v, p.text)
		switch {
		case !ok:
			p.refuse(v, "is not a number", words)
			return 0
		case !(f >= least && f <= most): // NaN is neither
			p.refuse(v, "is out of range", words)
			return 0
		}
		return f
	}}
}

// real takes a number as whole does.
func real(v any, text bool) (float64, bool) {
	switch f := v.(type) {
	case float64:
		return f, true
	case string:
		if !text {
			return 0, false
		}
		f64, err := strconv.ParseFloat(f, 64)
		return f64, err == nil
	}
	n, ok := whole(v, text)
	return float64(n), ok
}

// duration is the kind of times with a unit, as time.ParseDuration reads
// them. A bare 0 needs no unit.
func duration(least, most time.Duration) kind[time.Duration] {
	words := "a time with its unit (30s, 5m, 24h), from " + brief(least) + " to " + brief(most)
	return numeric(textual(words, func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		switch {
		case err != nil && isNumber(s):
			return 0, errors.New("has no unit")
		case err != nil:
			return 0, errors.New("is not a time")
		case d < least || d > most:
			return 0, errors.New("is out of range")
		}
		return d, nil
	}))
}

// isNumber reports whether YAML might take s for a number.
func isNumber(s string) bool {
	_, asInt := strconv.ParseInt(s, 0, 64)
	_, asFloat := strconv.ParseFloat(s, 64)
	return asInt == nil || asFloat == nil
}

// brief writes a duration without the zero units that String gives: 24h, not
// 24h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// A word is one of a few that an operator may write, and what it means.
type word[V any] struct {
	word  string
	means V
}

// choice is the kind of a few words.
func choice[V any](words ...word[V]) kind[V] {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.word
	}
	return textual(joined(all, "or"), func(s string) (zero V, err error) {
		for _, w := range words {
			if s == w.word {
				return w.means, nil
			}
		}
		return zero, errors.New("is not known")
	})
}

// joined joins words as a sentence does: "a, b or c".
func joined(words []string, conjunction string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}
