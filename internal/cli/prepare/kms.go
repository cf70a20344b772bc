package prepare

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// keyAccountRole is the flag of commands that ask what does not cross
// accounts.
func keyAccountRole(cmd *cobra.Command, role *string) {
	cmd.Flags().StringVar(role, "key-account-role", "", "ARN of a role in the account that holds the keys")
}

type kmsListOptions struct {
	*cmdutil.Factory
	pin   bool
	write bool
	role  string
}

func newKMSListCmd(f *cmdutil.Factory) *cobra.Command {
	o := &kmsListOptions{Factory: f}
	cmd := cmdutil.Command(o, runKMSList, "list",
		"Show every key of the plan beside what KMS says of it",
		"Show every key of the plan beside what KMS says of it, two calls a key.\n\n"+
			"What deviates from the plan is an error, and the exit code 5. Aliases do not\n"+
			"cross accounts: they are shown where --key-account-role is given.")
	cmd.Flags().BoolVar(&o.pin, "pin", false, "print the plan's lines that pin each key, for a second person to compare")
	cmd.Flags().BoolVar(&o.write, "write", false, "with --pin, on a second person's own machine: write the pins that the plan lacks into it")
	keyAccountRole(cmd, &o.role)
	return cmd
}

func runKMSList(ctx context.Context, o *kmsListOptions) error {
	if o.write && !o.pin {
		return cmdutil.Usage("give --pin too", "--write writes pins")
	}
	d, client, err := cloud.Open(ctx, o.Factory, o.role)
	if err != nil {
		return err
	}
	rows, err := client.List(ctx, d.Plan)
	if o.role != "" {
		aliases, aliasErr := client.Aliases(ctx)
		kms.NameAliases(rows, aliases)
		err = errors.Join(err, aliasErr)
	}
	for _, p := range kms.Keys(d.Plan) {
		if p.ARN == "" {
			rows = append(rows, kms.Row{Planned: p})
		}
	}
	if unknown := kms.Unknown(d.Plan); len(unknown) > 0 {
		names := make([]string, len(unknown))
		for i, p := range unknown {
			names[i] = p.String()
		}
		o.Progress("not looked at, since the plan does not know their ARNs: %s", strings.Join(names, ", "))
	}
	if o.write && err == nil {
		err = o.writeFound(d, rows)
	}
	if o.JSON {
		return errors.Join(cmdutil.PrintJSON(o.Out, rows), err)
	}
	if len(rows) == 0 {
		o.Progress("the plan has no key in KMS")
	}
	var text strings.Builder
	for _, r := range rows {
		if o.pin {
			writePin(&text, r)
			continue
		}
		writeRow(&text, r, o.role != "")
	}
	return errors.Join(cmdutil.PrintText(o.Out, text.String()), err)
}

// writeFound pins every key that the plan names and does not pin yet.
func (o *kmsListOptions) writeFound(d *trustdir.Dir, rows []kms.Row) error {
	pins := map[kms.Planned]plan.Pin{}
	for _, r := range rows {
		if r.ARN != "" && r.SPKISHA256 == "" && r.Found != "" {
			pins[r.Planned] = plan.Pin{SPKISHA256: r.Found}
		}
	}
	return writePins(o.Factory, d, pins)
}

// writePins writes what is known of keys into the plan: all of it or nothing.
func writePins(f *cmdutil.Factory, d *trustdir.Dir, pins map[kms.Planned]plan.Pin) error {
	text := d.PlanBytes
	for p, pin := range pins {
		in, err := plan.PinKey(text, p.Name, p.Generation, pin)
		if err != nil {
			return fault.New(fault.Usage, "write it by hand; the plan is as it was", fmt.Errorf("%s: %w", p, err))
		}
		text = in.Apply(text)
	}
	if len(pins) == 0 {
		f.Progress("the plan lacks none of it; nothing was written")
		return nil
	}
	if err := durable.Replace(d.Join(trustdir.PlanFile), text, 0o644); err != nil {
		return err
	}
	f.Progress("wrote %s into %s; commit it, so that the others review and fetch it", cmdutil.Count(len(pins), "key"), trustdir.PlanFile)
	return nil
}

// writePin writes a row's lines for the plan, or says why there are none.
func writePin(text *strings.Builder, r kms.Row) {
	if r.KeyARN == "" || r.Found == "" {
		term.Fprintf(text, "# %s: %s\n", r.Planned, verdict(r))
		return
	}
	text.WriteString(r.Pin())
}

func verdict(r kms.Row) string {
	switch {
	case r.ARN == "" && r.KeyARN == "":
		return "the plan names no key yet: trustroot kms create makes it"
	case len(r.Problems) > 0:
		return "DEVIATES"
	case r.Unreachable != "":
		return "NOT READ"
	case r.SPKISHA256 == "":
		return "as planned, not pinned yet"
	}
	return "as planned"
}

// writeRow writes what the plan and KMS say of one key.
func writeRow(text *strings.Builder, r kms.Row, named bool) {
	line := func(name, value string) { term.Fprintf(text, "  %-8s %s\n", name, value) }
	term.Fprintf(text, "%s  %s\n", r.Planned, verdict(r))
	if r.KeyARN != "" {
		line("arn", r.KeyARN)
		region := "single region"
		if r.MultiRegion {
			region = "MULTI-REGION"
		}
		line("key", strings.Join([]string{r.Spec, r.Usage, r.Origin, region, r.State}, ", "))
		if r.DeletionDate != nil {
			line("deletion", "on "+r.DeletionDate.UTC().Format(time.DateOnly))
		}
		if named {
			line("alias", dash(strings.Join(r.Aliases, ", ")))
		}
		line("SPKI", dash(r.Found))
	} else if r.ARN != "" {
		line("arn", r.ARN)
	}
	for _, p := range r.Problems {
		line("problem", p)
	}
	if r.Unreachable != "" {
		line("problem", r.Unreachable)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
