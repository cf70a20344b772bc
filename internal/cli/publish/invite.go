package publish

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type tufInviteOptions struct {
	*cmdutil.Factory
	holder string
}

func newTUFInviteCmd(f *cmdutil.Factory, run func(context.Context, *tufInviteOptions) error) *cobra.Command {
	o := &tufInviteOptions{Factory: f}
	return &cobra.Command{
		Use:   "invite HOLDER",
		Short: "Write a challenge for a holder of the plan to answer with a key of their own",
		Long: `Write a challenge for a holder of the plan into holders/HOLDER/challenge.json.

Send the holder a copy; they answer it with ` + "`trustroot tuf join`" + `, and the answer is
filed with ` + "`trustroot tuf join --accept`" + `. Inviting again makes the earlier challenge void.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.holder = args[0]
			return run(c.Context(), o)
		},
	}
}

func runTUFInvite(_ context.Context, o *tufInviteOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	token, slot, err := holders.Planned(d, o.holder)
	if err != nil {
		return err
	}
	path, err := holders.Invite(d, o.holder, o.Now)
	if err != nil {
		return err
	}
	o.Progress("keep this file and send %s a copy, to answer within 14 days:\n  trustroot tuf join challenge.json --serial %d --slot %s --out %s.json", o.holder, token, slot, o.holder)
	if o.JSON {
		return cmdutil.PrintJSON(o.Out, map[string]any{"challenge": path, "holder": o.holder, "token": token, "slot": slot})
	}
	return cmdutil.PrintText(o.Out, path+"\n")
}
