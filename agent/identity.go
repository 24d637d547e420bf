package agent

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/google/uuid"
)

const (
	duidUUID = 4   // RFC 8415, section 11.5
	minDUID  = 3   // a type and one octet: RFC 8415, section 11.1
	maxDUID  = 130 // a type and 128 octets
)

// relayID returns our own DUID: what the configuration says, else what an
// earlier run kept in dir, else a new DUID-UUID, which is kept (L2 to L4). A
// file that can't be understood is an error, never a reason for a new
// identity: the servers know this router by the old one.
func relayID(configured []byte, dir string) ([]byte, error) {
	if configured != nil {
		return configured, nil
	}
	file := filepath.Join(dir, "relay-id")
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return newRelayID(file)
	}
	if err != nil {
		return nil, fmt.Errorf("relay-id: %w: see the keys relay_id and state_dir", err)
	}
	id, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(string(text)), ":", ""))
	if err != nil || len(id) < minDUID || len(id) > maxDUID {
		return nil, fmt.Errorf("relay-id: %s does not hold a DUID (%d to %d octets in hex): restore it, set relay_id, or remove the file to take a new identity", file, minDUID, maxDUID)
	}
	return id, nil
}

// newRelayID makes a DUID-UUID and keeps it in file.
func newRelayID(file string) ([]byte, error) {
	u, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("make a relay-id: %w", err)
	}
	id := append([]byte{0, duidUUID}, u[:]...)
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, fmt.Errorf("keep the relay-id: %w", err)
	}
	if err := renameio.WriteFile(file, []byte(hex.EncodeToString(id)+"\n"), 0o640); err != nil {
		return nil, fmt.Errorf("keep the relay-id: %w", err)
	}
	return id, nil
}

// RelayIDFor says which relay-id a daemon with this configuration would use,
// without making one: nil if it would make a new one.
func RelayIDFor(configured []byte, dir string) ([]byte, error) {
	if configured == nil {
		if _, err := os.Stat(filepath.Join(dir, "relay-id")); errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
	}
	return relayID(configured, dir)
}
