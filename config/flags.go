package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// flagged are the keys that a flag can override, too.
func flagged() []string {
	return []string{"log.level", "log.format", "control.socket", "state_dir"}
}

// flagName is the flag of a key: --log-level for log.level.
func flagName(path string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(path)
}

// Flags registers the flags that override keys: --log-level, --log-format,
// --control-socket and --state-dir. Load takes the set back.
func Flags(fs *pflag.FlagSet) {
	for _, k := range Keys() {
		for _, path := range flagged() {
			if k.Path == path {
				fs.String(flagName(path), "", "override "+path+": "+k.Type)
			}
		}
	}
}
