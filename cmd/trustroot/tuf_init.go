package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type tufInitOptions struct{ *factory }

func newTUFInitCmd(f *factory, run func(context.Context, *tufInitOptions) error) *cobra.Command {
	o := &tufInitOptions{factory: f}
	return &cobra.Command{
		Use:   "init",
		Short: "Stage the first root and targets for the holders to sign",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
}

func runTUFInit(ctx context.Context, o *tufInitOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	client, err := o.kmsClient(ctx, "")
	if err != nil {
		return err
	}
	staged, err := d.StageFirst(ctx, client, o.now)
	if err != nil {
		return err
	}
	return o.showStaged(staged)
}

// stagedJSON is the JSON twin of a staged change.
type stagedJSON struct {
	Folder   string           `json:"folder"`
	Kind     string           `json:"kind"`
	Digest   string           `json:"digest"` // hex SHA-256 of SHA256SUMS
	Sealed   bool             `json:"sealed"`
	Versions []tuf.Version    `json:"versions"`
	Status   []tuf.RoleStatus `json:"status"`
}

// showStaged prints what waits for signatures, and the next step.
func (f *factory) showStaged(s *tuf.Staged) error {
	f.progress("staged in %s; each holder signs it with `trustroot tuf sign %s --serial N`", s.Dir(), s.Dir())
	if f.json {
		return f.printStagedJSON(s)
	}
	text, refused := app.Describe(s)
	if err := printText(f.out, text); err != nil {
		return err
	}
	return refused
}

func (f *factory) printStagedJSON(s *tuf.Staged) error {
	status, err := s.Status()
	if err != nil {
		return err
	}
	return printJSON(f.out, stagedJSON{s.Dir(), s.Kind(), fmt.Sprintf("%x", s.Digest()), s.Sealed(), s.Versions(), status})
}
