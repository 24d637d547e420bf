package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"leaseroute/agent/control"
	"leaseroute/config"
)

// globals are the flags of every command.
type globals struct {
	configFile string
}

// load reads the configuration, with its flags over it. Its error is a
// configError.
func (g *globals) load(cmd *cobra.Command) (*config.Config, error) {
	cfg, err := config.Load(g.configFile, cmd.Flags())
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, configError{fmt.Errorf("%w: make one, or name another with -c", err)}
	case err != nil:
		return nil, configError{err}
	}
	return cfg, nil
}

// client returns a client of the daemon. Its socket comes from the flag, else
// from the configuration, else is the default if there is no configuration.
func (g *globals) client(cmd *cobra.Command) (*control.Client, error) {
	if f := cmd.Flags().Lookup("control-socket"); f != nil && f.Changed {
		return control.NewClient(f.Value.String()), nil
	}
	if _, err := os.Stat(g.configFile); errors.Is(err, os.ErrNotExist) && !cmd.Flags().Changed("config") {
		return control.NewClient(config.DefaultSocket), nil
	}
	cfg, err := g.load(cmd)
	if err != nil {
		return nil, err
	}
	return control.NewClient(cfg.Control.Socket), nil
}

// newLog makes the log that the configuration asks for.
func newLog(w io.Writer, c config.Log) *logrus.Entry {
	l := logrus.New()
	l.SetOutput(w)
	log := logrus.NewEntry(l)
	follow(log, c)
	return log
}

// follow makes the log what the configuration asks for.
func follow(log *logrus.Entry, c config.Log) {
	log.Logger.SetLevel(c.Level)
	if c.JSON {
		log.Logger.SetFormatter(&logrus.JSONFormatter{})
	} else {
		log.Logger.SetFormatter(&logrus.TextFormatter{FullTimestamp: true})
	}
}

// onTerminal reports whether f is a terminal.
func onTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// logLevel is what --log-level says; info if it says nothing.
func logLevel(cmd *cobra.Command) logrus.Level {
	level, err := logrus.ParseLevel(cmd.Flag("log-level").Value.String())
	if err != nil {
		return logrus.InfoLevel
	}
	return level
}
