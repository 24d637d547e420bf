package wire

import "fmt"

// The length of a DUID: its type and 1 to 128 octets (RFC 8415, section 11.1).
const (
	minDUID = 3
	maxDUID = 130
)

// checkDUID refuses impossible lengths. A DUID is otherwise opaque (C20): the
// library's typed DUIDs refuse some that clients do use.
func checkDUID(duid []byte) error {
	if len(duid) < minDUID || len(duid) > maxDUID {
		return fmt.Errorf("DUID of %d octets, want %d to %d", len(duid), minDUID, maxDUID)
	}
	return nil
}

// takeDUID notes the first option of its kind.
func takeDUID(to *[]byte, what string, duid []byte) error {
	if err := checkDUID(duid); err != nil {
		return fmt.Errorf("%s: %w: %w", what, err, ErrMalformed)
	}
	if *to == nil {
		*to = duid
	}
	return nil
}
