package lqserver

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/iana"
)

var errValue = errors.New("not a value for it")

// flag sets a switch: nothing, or what strconv.ParseBool takes.
func flag(field func(*Faults) *bool) func(*Faults, string) error {
	return func(f *Faults, s string) error {
		on, err := strconv.ParseBool(s)
		if err != nil && s != "" {
			return errValue
		}
		*field(f) = on || s == ""
		return nil
	}
}

// count sets a number from 1 on.
func count(field func(*Faults) *int) func(*Faults, string) error {
	return func(f *Faults, s string) error {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil || n == 0 {
			return errValue
		}
		*field(f) = int(n)
		return nil
	}
}

// after sets the place of a fault in the answer, from 0 on.
func after(field func(*Faults) **int) func(*Faults, string) error {
	return func(f *Faults, s string) error {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return errValue
		}
		*field(f) = new(int(n))
		return nil
	}
}

func length(field func(*Faults) *time.Duration) func(*Faults, string) error {
	return func(f *Faults, s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return errValue
		}
		*field(f) = d
		return nil
	}
}

func oneOf[T any](field func(*Faults) *T, names map[string]T) func(*Faults, string) error {
	return func(f *Faults, s string) error {
		v, ok := names[s]
		if !ok {
			return errValue
		}
		*field(f) = v
		return nil
	}
}

func setOf[T Messages | Parts | OddLinks](field func(*Faults) *T, names map[string]T) func(*Faults, string) error {
	return func(f *Faults, s string) error {
		v, ok := names[s]
		if !ok {
			return errValue
		}
		*field(f) |= v
		return nil
	}
}

func prefixLength(f *Faults, s string) error {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return errValue
	}
	f.PrefixLength = new(uint8(n))
	return nil
}

func statusCode(f *Faults, s string) error {
	code, err := parseStatus(s)
	if err == nil {
		f.TerminateCode = code
	}
	return err
}

func queryStatus(f *Faults, s string) error {
	name, status, _ := strings.Cut(s, ":")
	t, err := ParseQueryType(name)
	if err != nil {
		return errValue
	}
	code, err := parseStatus(status)
	if err != nil {
		return err
	}
	next := maps.Clone(f.Status)
	if next == nil {
		next = make(map[QueryType]iana.StatusCode)
	}
	next[t] = code
	f.Status = next
	return nil
}

// parseStatus reads the name or the number of a status that is an error.
func parseStatus(s string) (iana.StatusCode, error) {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil && n > 0 && n <= math.MaxUint16 {
		return iana.StatusCode(n), nil
	}
	const last = iana.StatusExcessiveTimeSkew
	codes := make([]iana.StatusCode, 0, last)
	for c := iana.StatusUnspecFail; c <= last; c++ {
		codes = append(codes, c)
	}
	if i := slices.IndexFunc(codes, func(c iana.StatusCode) bool { return c.String() == s }); i >= 0 {
		return codes[i], nil
	}
	return 0, errValue
}
