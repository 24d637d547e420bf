package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/viper"
)

// formatOf tells the format of a file by its extension. A path without a
// known one, such as a pipe's, holds YAML.
func formatOf(path string) string {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".json", ".toml":
		return ext[1:]
	default:
		return "yaml"
	}
}

// decode parses the text of a configuration. It refuses what its decoders
// would pass over in silence: a key that comes twice, a second document.
func decode(format string, b []byte) (map[string]any, error) {
	decoder, err := viper.NewCodecRegistry().Decoder(format)
	if err != nil {
		return nil, err
	}
	m := make(map[string]any)
	if err := decoder.Decode(b, m); err != nil {
		return nil, err
	}
	switch format {
	case "json":
		err = uniqueNames(json.NewDecoder(bytes.NewReader(b)))
	case "yaml":
		err = oneDocument(b)
	}
	return m, err
}

// uniqueNames reports a name that an object within the next value of valid
// JSON holds twice.
func uniqueNames(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	opened, nested := t.(json.Delim)
	if !nested {
		return nil
	}
	seen := make(map[json.Token]bool)
	for d.More() {
		if opened == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			if seen[name] {
				return fmt.Errorf("key %q comes twice", name)
			}
			seen[name] = true
		}
		if err := uniqueNames(d); err != nil {
			return err
		}
	}
	_, err = d.Token() // what closes it
	return err
}

// Markers at the beginning of a line always end or start a document. Comments
// and directives are no content.
var (
	documentMarker = regexp.MustCompile(`(?m)^(---|\.\.\.)(\s|$)`)
	content        = regexp.MustCompile(`(?m)^\s*[^\s#%]`)
)

// oneDocument reports YAML with a second document: the decoder reads only the
// first.
func oneDocument(b []byte) error {
	found := 0
	for _, document := range documentMarker.Split(string(b), -1) {
		if content.MatchString(document) {
			found++
		}
	}
	if found > 1 {
		return errors.New("there is more than one document")
	}
	return nil
}

// notMapping matches what the decoders say of a file that holds something else
// than keys.
var notMapping = regexp.MustCompile(`(json: )?cannot unmarshal .*into .*map\[string\]interface \{\}`)

// maxReason bounds what is repeated of a decoder's words, in octets.
const maxReason = 200

// reason puts a decoder's error in one printable line, with the line number
// if there is one.
func reason(b []byte, err error) string {
	s := err.Error()
	var positioned interface{ Position() (row, column int) } // TOML's
	if errors.As(err, &positioned) {
		row, _ := positioned.Position()
		s = fmt.Sprintf("line %d: %s", row, s)
	}
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(b[:min(at.Offset, int64(len(b)))], []byte("\n"))
		s = fmt.Sprintf("line %d: %s", line, s)
	}
	s = strings.Join(strings.Fields(s), " ")
	s = strings.NewReplacer("yaml: ", "", "toml: ", "", "unmarshal errors: ", "").Replace(s)
	s = strconv.Quote(notMapping.ReplaceAllString(s, "there is no mapping of keys"))
	s = strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
	return clip(s, maxReason)
}
