package publish

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
)

type tufInviteOptions struct {
	*cmdutil.Factory
	holder string
}

func newTUFInviteCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufInviteOptions{Factory: f}
	return cmdutil.Command(o, runTUFInvite, "invite HOLDER",
		"Write a challenge for a holder of the plan to answer with a key of their own",
		`Write a challenge for a holder of the plan into holders/HOLDER/challenge.json.

Send the holder a copy; they answer it with `+"`trustroot tuf join`"+`, and the answer is
filed with `+"`trustroot tuf join --accept`"+`. Inviting again makes the earlier challenge void.`, &o.holder)
}

func runTUFInvite(_ context.Context, o *tufInviteOptions) error {
	return show.Invite(o.Factory, o.holder)
}
