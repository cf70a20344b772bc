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
	files     []string // the change, then replies
	where     publish.Where
	rehearsal bool
}

func newTUFPublishCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufPublishOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runTUFPublish, "publish STAGED [REPLY…]", "Publish a signed change: targets first, timestamp last",
		`Publish a signed change to tuf/ of the trust directory and to every place of
the plan's tuf.places, the same bytes everywhere. The replies that holders sent are
taken in first, as `+"`tuf merge`"+` does.

Every place is read before the first byte is written anywhere. It stops where a
place cannot be reached (leave it out with --without), is ahead of this trust
directory, or went back.

Before a byte leaves, the change passes the publication gate: what clients say
of trusted root, signing config and metadata, what the trusted root takes back,
archived bundles, the ledger's head, and the attestations of the holders' keys.
Interrupted, the same command completes it.`, 1, &o.files)
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
	staged, err := tuf.OpenStaged(o.files[0])
	if err == nil {
		err = tuf.CheckNewest(o.files[0], staged)
	}
	if err == nil && len(o.files) > 1 {
		staged, err = collected(o.Factory, o.files)
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
