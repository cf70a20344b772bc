package begin

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

type planCheckOptions struct {
	*cmdutil.Factory
	file string
}

func newPlanCheckCmd(f *cmdutil.Factory) *cobra.Command {
	o := &planCheckOptions{Factory: f}
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a plan, and show and lint every certificate that it would make",
		Long: `Check a plan and name every problem with line and column. Then issue every
certificate in it under throwaway keys, lint it, and print it as it would be,
with what each client would say and the field of the plan to change.

The exit code is 2 when a certificate would be refused, and 0 when there are
warnings only.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = filepath.Join(f.Dir, trustdir.PlanFile)
			if len(args) == 1 {
				o.file = args[0]
			}
			return runPlanCheck(c.Context(), o)
		},
	}
}

func runPlanCheck(_ context.Context, o *planCheckOptions) error {
	if _, err := cmdutil.ReadFile(o.file); err != nil {
		return err
	}
	r, err := draft.Check(o.file, o.Now)
	if err != nil {
		return err
	}
	if err := o.Print(r, draftsText(r.Drafts, term.StyleFor(o.Out))+cmdutil.FindingsText(r.Findings, term.StyleFor(o.Out))); err != nil {
		return err
	}
	if len(r.Unpinned) > 0 {
		o.Progress("not pinned yet, which a request needs:\n%s", term.Text(strings.Join(r.Unpinned, "\n")))
	}
	if n := r.Errors(); n > 0 {
		return fault.New(fault.Usage, "each error above names the field of the plan to change; nothing was signed but by throwaway keys",
			fmt.Errorf("%s: %d errors in the certificates that it would make", o.file, n))
	}
	o.Progress("%s holds: %d certificates, drafted under throwaway keys and linted", o.file, len(r.Drafts))
	return nil
}

func newPlanSchemaCmd(f *cmdutil.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the plan's JSON schema, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return cmdutil.PrintData(f.Out, plan.Schema())
		},
	}
}

// draftsText writes certificates as they would be, each with its findings and
// with what its name constraints do.
func draftsText(drafts []draft.Draft, style term.Style) string {
	var b strings.Builder
	for i, d := range drafts {
		if i > 0 {
			b.WriteByte('\n')
		}
		term.Fprintf(&b, "%s g%d, in the ceremony %s\n", d.Authority, d.Generation, d.Ceremony)
		if d.Certificate == nil {
			b.WriteString("    cannot be made\n")
		}
		for _, line := range d.Text {
			term.Fprintf(&b, "    %s\n", line)
		}
		if len(d.Names) > 0 {
			b.WriteString(namesText(d.Names))
		}
		b.WriteString(cmdutil.FindingsText(d.Findings, style))
	}
	return b.String()
}

// namesText tabulates what the constraints of a path do to each type of
// alternative name below it.
func namesText(effects []lint.Effect) string {
	return cmdutil.Table(func(w *tabwriter.Writer) { nameRows(w, effects) })
}

func nameRows(w *tabwriter.Writer, effects []lint.Effect) {
	term.Fprintf(w, "    names under it\tconstraint\tbreaks\twhat it does\n")
	for _, e := range effects {
		used := ""
		if e.Used {
			used = " (in use)"
		}
		breaks := "-"
		if len(e.Breaks) > 0 {
			breaks = strings.Join(e.Breaks, ", ")
		}
		term.Fprintf(w, "    %s%s\t%s\t%s\t%s\n", e.Type, used, e.State, breaks, e.Text)
	}
}
