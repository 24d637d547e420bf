package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages of all commands",
		Args:   usageArgs(cobra.ExactArgs(1)),
		Hidden: true, // the packages have them
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := sourceDate()
			if err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return doc.GenManTree(root, &doc.GenManHeader{
				Section: "8", Source: "leaseroute " + version, Manual: "System Administration", Date: made,
			}, args[0])
		},
	}
}

// sourceDate is the date on the pages: what SOURCE_DATE_EPOCH says, so that
// the same commit makes the same pages, else today.
func sourceDate() (*time.Time, error) {
	made := time.Now()
	if s := os.Getenv("SOURCE_DATE_EPOCH"); s != "" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		made = time.Unix(seconds, 0)
	}
	made = made.UTC()
	return &made, nil
}
