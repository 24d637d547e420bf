package wire

import "fmt"

// minRemoteID is the enterprise number and one octet (RFC 4649, section 3).
const minRemoteID = 5

// checkRemoteID refuses a remote-id that is too short to name anything (C16).
func checkRemoteID(id []byte) error {
	if len(id) < minRemoteID {
		return fmt.Errorf("remote-id of %d octets, want %d or more", len(id), minRemoteID)
	}
	return nil
}
