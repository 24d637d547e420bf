package wire

import "fmt"

// The length of a DUID: its type and 1 to 128 octets (RFC 8415, section 11.1).
const (
	minDUID = 3
	maxDUID = 130
)

// checkDUID refuses impossible lengths. A DUID is otherwise opaque (C20): the
// library's typed DUIDs refuse some that clients do use.
func checkDUID(what string, duid []byte) error {
	if len(duid) < minDUID || len(duid) > maxDUID {
		return fmt.Errorf("%s: DUID of %d octets, want %d to %d: %w", what, len(duid), minDUID, maxDUID, ErrMalformed)
	}
	return nil
}

// minRemoteID is the enterprise number and one octet (RFC 4649, section 3).
const minRemoteID = 5

// checkRemoteID refuses a remote-id that is too short to name anything (C16).
func checkRemoteID(id []byte) error {
	if len(id) < minRemoteID {
		return fmt.Errorf("remote-id of %d octets, want %d or more: %w", len(id), minRemoteID, ErrMalformed)
	}
	return nil
}

// takeDUID notes the first option of its kind.
func takeDUID(to *[]byte, what string, duid []byte) error {
	if err := checkDUID(what, duid); err != nil {
		return err
	}
	if *to == nil {
		*to = duid
	}
	return nil
}
