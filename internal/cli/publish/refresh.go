package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type tufRefreshOptions struct {
	*cmdutil.Factory
	where   publish.Where
	systemd string
}

func newTUFRefreshCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufRefreshOptions{Factory: f}
	cmd := cmdutil.Command(o, runTUFRefresh, "refresh",
		"Sign timestamp and snapshot again when they are due",
		`Sign timestamp and snapshot again with the online key when they are due, in
tuf/ of the trust directory and in every place of the plan's tuf.places, bring
places up that are behind, and say what is due next. Places that cannot be
reached are left out (exit code 1), and so are those that went back (5).

It is for cron, a systemd timer or a CI job: it asks nothing and changes nothing
else. The exit code is 6 when people must sign within their window.`)
	whereFlags(cmd, &o.where)
	cmd.Flags().StringVar(&o.systemd, "systemd", "", "write a systemd service and timer that do this into a folder, and do nothing else")
	return cmd
}

func runTUFRefresh(ctx context.Context, o *tufRefreshOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	if o.systemd != "" {
		written, err := publish.RefreshUnits(d, o.systemd, o.where.To)
		for _, path := range written {
			o.Progress("wrote %s", path)
		}
		return err
	}
	client, err := cloud.KMS(ctx, o.Factory, "")
	if err != nil {
		return err
	}
	published, next, err := publish.Refresh(d, ctx, client, o.where, o.Now)
	text := placesText(published) + cmdutil.Table(func(w *tabwriter.Writer) { deadlines(w, next) })
	if err := errors.Join(err, o.Print(map[string]any{"published": published, "next": next}, text)); err != nil {
		return err
	}
	return peopleDue(next)
}

// peopleDue is an error when people must sign now, naming who.
func peopleDue(next []tuf.Deadline) error {
	var errs []error
	for _, d := range tuf.People(next) {
		errs = append(errs, fmt.Errorf("%s %d expires on %s and must be signed by %d of %s", d.Role, d.Version.Version,
			d.Expires.Format(time.DateOnly), d.Threshold, strings.Join(d.Holders, ", ")))
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.Due, "stage it with `trustroot tuf stage` and have the holders sign; timestamp and snapshot are fresh", errors.Join(errs...))
}
