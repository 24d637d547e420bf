package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Load reads the configuration in the file at path: YAML, TOML or JSON by its
// extension. Environment variables (Key.Env) override scalars of the file and
// flags override both; flags is a set that Flags registered in, or nil.
//
// The error is Faults, with all that is wrong, unless the file can't be read
// at all.
func Load(path string, flags *pflag.FlagSet) (*Config, error) {
	b, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(path, b, flags)
}

// maxFile bounds a file, which may be a pipe without an end.
const maxFile = 16 << 20

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, errors.New(path + ": larger than 16 MiB")
	}
	return b, nil
}

// A loader holds what is needed while one configuration is read.
type loader struct {
	report
	path  string
	viper *viper.Viper
	flags *pflag.FlagSet    // may be nil
	env   map[string]string // the variable of each key that has one
}

// parse reads the text of a file as Load does.
func parse(path string, b []byte, flags *pflag.FlagSet) (*Config, error) {
	l := &loader{path: path, viper: viper.New(), flags: flags, env: make(map[string]string)}
	format := formatOf(path)
	m, err := decode(format, b)
	if err != nil {
		l.add(Fault{Where: path, What: "is not " + strings.ToUpper(format) + ": " + reason(b, err)})
		return nil, l.faults
	}
	c, err := l.typed(m)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// typed turns what the file holds into a Config.
func (l *loader) typed(file map[string]any) (*Config, error) {
	keys := Keys()
	if err := l.bind(keys); err != nil {
		return nil, err
	}
	if err := l.viper.MergeConfigMap(prune(tree(keys), l.at(""), file)); err != nil {
		return nil, fmt.Errorf("merge configuration: %w", err)
	}
	var c Config
	for _, e := range rootKeys() {
		if !l.brokenAbove(e.Path) {
			e.read(l.at(e.Path), l.viper.Get(e.Path), &c)
		}
	}
	l.check(&c)
	if len(l.faults) > 0 {
		return nil, l.faults
	}
	strayVariables(&l.report, keys)
	c.Warnings = l.warnings
	return &c, nil
}

// bind tells viper of the variables and the flags. Viper's defaults are not
// used: those of a list's elements it does not know.
func (l *loader) bind(keys []Key) error {
	for _, k := range keys {
		if env := k.Env(); env != "" {
			l.env[k.Path] = env
			if err := l.viper.BindEnv(k.Path, env); err != nil {
				return fmt.Errorf("bind %s: %w", env, err)
			}
		}
	}
	for _, path := range flagged() {
		if f := l.flag(path); f != nil {
			if err := l.viper.BindPFlag(path, f); err != nil {
				return fmt.Errorf("bind --%s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// flag is the flag that overrides a key; nil if it was not given.
func (l *loader) flag(path string) *pflag.Flag {
	if l.flags == nil {
		return nil
	}
	if f := l.flags.Lookup(flagName(path)); f != nil && f.Changed {
		return f
	}
	return nil
}

// at is the place where the value of a key outside lists comes from: the file
// unless something overrides it.
func (l *loader) at(path string) place {
	p := place{report: &l.report, where: l.path, key: path}
	if f := l.flag(path); f != nil {
		p.where, p.text = "flag --"+f.Name, true
	} else if env := l.env[path]; os.Getenv(env) != "" {
		p.where, p.text = "environment "+env, true
	}
	return p
}

// brokenAbove reports whether the section of a key was refused: then what is
// missing in it is no news.
func (l *loader) brokenAbove(path string) bool {
	section, _, nested := strings.Cut(path, ".")
	for _, f := range l.faults {
		if nested && f.Key == section {
			return true
		}
	}
	return false
}
