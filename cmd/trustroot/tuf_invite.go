package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
)

type tufInviteOptions struct {
	*factory
	holder string
}

func newTUFInviteCmd(f *factory, run func(context.Context, *tufInviteOptions) error) *cobra.Command {
	o := &tufInviteOptions{factory: f}
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
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	token, slot, err := d.Holder(o.holder)
	if err != nil {
		return err
	}
	path, err := d.Invite(o.holder, o.now)
	if err != nil {
		return err
	}
	o.progress("keep this file and send %s a copy, to answer within 14 days:\n  trustroot tuf join challenge.json --serial %d --slot %s --out %s.json", o.holder, token, slot, o.holder)
	if o.json {
		return printJSON(o.out, map[string]any{"challenge": path, "holder": o.holder, "token": token, "slot": slot})
	}
	return printText(o.out, path+"\n")
}
