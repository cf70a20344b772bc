package prepare

import (
	"context"
	"crypto"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/logkey"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
)

type logAddOptions struct {
	*cmdutil.Factory
	name string
}

func newLogAddCmd(f *cmdutil.Factory) *cobra.Command {
	o := &logAddOptions{Factory: f}
	return cmdutil.Command(o, runLogAdd, "add NAME", "Enter the next exported key of a log into the ledger", "", &o.name)
}

func runLogAdd(ctx context.Context, o *logAddOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	entry, err := logkey.Add(d, o.name, o.Now)
	if err != nil {
		return err
	}
	overview.Staged(ctx, o.Factory)
	if o.JSON {
		return cmdutil.PrintJSON(o.Out, entry)
	}
	o.Progress("%s g%d is in the ledger, in use from %s", entry.Name, entry.Generation, entry.Start.Format("2006-01-02 15:04 MST"))
	return nil
}

// KeyInKMS reads a public key in KMS by its reference.
func KeyInKMS(ctx context.Context, f *cmdutil.Factory, name string) (crypto.PublicKey, error) {
	ref, err := kms.ParseRef(name)
	if err != nil {
		return nil, fmt.Errorf("%s is neither a file nor a key in KMS: %w", name, err)
	}
	client, err := cloud.KMS(ctx, f, "")
	if err != nil {
		return nil, err
	}
	key, err := client.Key(ctx, ref.String())
	if err != nil {
		return nil, err
	}
	return key.PublicKey, nil
}
