package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/next"
)

type nextOptions struct {
	*cmdutil.Factory
	as string
}

func newNextCmd(f *cmdutil.Factory) *cobra.Command {
	o := &nextOptions{Factory: f}
	cmd := cmdutil.Command(o, runNext, "next",
		"Say what waits, who does it, and with which command",
		`Say what the trust directory waits for: a checklist of steps, each with the
person who does it and the command. It reads plan, ledger, staged changes and
the published repository, and opens no connection. STICK stands for the mounted
stick, and other words in capitals for what only you know.`)
	cmd.Flags().StringVar(&o.as, "as", "", "only the steps of a role: "+strings.Join(next.Roles, ", "))
	return cmd
}

func runNext(ctx context.Context, o *nextOptions) error {
	role := strings.ReplaceAll(o.as, "-", " ")
	if role != "" && !slices.Contains(next.Roles, role) {
		return cmdutil.Usage("name one of: "+strings.Join(next.Roles, ", "), "--as %q is not a role", o.as)
	}
	l, err := next.Of(ctx, o.Dir, o.Now)
	if err != nil {
		return err
	}
	if role != "" {
		if l.As(role); len(l.Steps) == 0 {
			l.Quiet = fmt.Sprintf("Nothing waits for the %s.", role)
		}
	}
	return o.Print(l, overview.Checklist(l, o.Columns()))
}
