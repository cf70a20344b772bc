package publish

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type tufPublishOptions struct {
	*cmdutil.Factory
	staged    string
	replies   []string
	where     publish.Where
	rehearsal bool
}

func newTUFPublishCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufPublishOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "publish STAGED [REPLY…]",
		Short: "Publish a signed change: targets first, timestamp last",
		Long: `Publish a signed change to tuf/ of the trust directory and to every place of
the plan's tuf.places, the same bytes everywhere. The replies that holders sent are
taken in first, as ` + "`tuf merge`" + ` does.

Every place is read before the first byte is written anywhere. It stops where a
place cannot be reached (leave it out with --without), is ahead of this trust
directory, or went back.

Before a byte leaves, the change passes the publication gate: what clients say
of trusted root, signing config and metadata, what the trusted root takes back,
archived bundles, the ledger's head, and the attestations of the holders' keys.
Interrupted, the same command completes it.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.staged, o.replies = args[0], args[1:]
			return runTUFPublish(c.Context(), o)
		},
	}
	whereFlags(cmd, &o.where)
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runTUFPublish(ctx context.Context, o *tufPublishOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	roots, err := ceremony.Roots(d.Plan, o.rehearsal)
	if err != nil {
		return err
	}
	staged, err := tuf.OpenStaged(o.staged)
	if err == nil && len(o.replies) > 0 {
		staged, err = collected(o.Factory, o.staged, o.replies)
	}
	if err != nil {
		return err
	}
	client, err := cloud.KMS(ctx, o.Factory, "")
	if err != nil {
		return err
	}
	published, err := publish.Publish(d, ctx, client, staged, o.where, roots, o.Now)
	return errors.Join(err, o.Print(published, placesText(published)))
}
