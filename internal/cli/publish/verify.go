package publish

import (
	"context"
	"errors"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type tufVerifyOptions struct {
	*cmdutil.Factory
	from      string
	root      string
	cache     string
	at        string
	rehearsal bool
}

func newTUFVerifyCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufVerifyOptions{Factory: f}
	cmd := cmdutil.Command(o, runTUFVerify, "verify DIR|URL",
		"Check a repository as clients do, and what they do not check",
		`Check a repository as go-tuf's client sees it from one root.json, and what
clients do not check: every root in sequence, thresholds by distinct keys,
expiries, every target's hash, the names that clients ask for. In a repository
that others made, what only our own rules refuse (old key type names, key IDs
that are not hashes, other curves, a missing 1.root.json) is a warning.

In a trust directory it also verifies that the keys of root and targets are
attested keys of its holders, and that timestamp and snapshot live no longer
than the plan lets them.`, &o.from)
	cmd.Flags().StringVar(&o.root, "root", "", "the root.json to start from")
	cmd.Flags().StringVar(&o.cache, "cache", "", "folder that remembers what was seen, so that a repository that went back is found out")
	cmd.Flags().StringVar(&o.at, "at", "", "judge at this time (RFC 3339; default now), as a repository of the past")
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runTUFVerify(ctx context.Context, o *tufVerifyOptions) error {
	if o.root == "" {
		return cmdutil.Usage("name the root that you trust with --root", "--root is missing")
	}
	root, err := cmdutil.ReadFile(o.root)
	if err != nil {
		return err
	}
	if o.Now, err = cmdutil.Instant("--at", o.at, o.Now); err != nil {
		return err
	}
	options := []tuf.Option{tuf.Theirs()}
	if o.cache != "" {
		options = append(options, tuf.Cache(o.cache))
	}
	report, err := tuf.Verify(ctx, o.from, root, o.Now, options...)
	if err != nil {
		return err
	}
	signers, err := o.checkSigners(report)
	return errors.Join(err, o.Print(struct {
		*tuf.Report
		Signers []holders.Signer `json:"signers,omitempty"`
	}{report, signers}, cmdutil.Table(func(w *tabwriter.Writer) { printReport(w, report, signers) })))
}

// checkSigners looks at the holders' attestations where there is a trust
// directory to find them in.
func (o *tufVerifyOptions) checkSigners(report *tuf.Report) ([]holders.Signer, error) {
	p, err := device.PlanHere(o.Factory)
	if err != nil || p == nil {
		return nil, err
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	roots, err := ceremony.Roots(d.Plan, o.rehearsal)
	if err != nil {
		return nil, err
	}
	signers, err := holders.CheckSigners(d, report, roots, o.Now)
	if d.Plan.TUF != nil {
		err = errors.Join(err, report.CheckOnline(d.Plan.TUF, o.Now))
	}
	return signers, err
}

func printReport(w *tabwriter.Writer, r *tuf.Report, signers []holders.Signer) {
	for _, role := range r.Roles {
		term.Fprintf(w, "%s\tversion %d\t%d of %d signed\tuntil %s\n", role.Role, role.Version.Version, len(role.Signed), role.Threshold, role.Expires.Format(time.DateOnly))
	}
	for _, s := range signers {
		if s.Holder == "" {
			continue // the error says that it is nobody's
		}
		who := "holder " + s.Holder
		if s.Former {
			who += " (former key)"
		}
		term.Fprintf(w, "%.12s\t%s\tattested\t\n", s.KeyID, who)
	}
	for _, t := range r.Targets {
		term.Fprintf(w, "%s\t%d bytes\t%s\t\n", t.Name, t.Size, t.SHA256)
	}
	for _, text := range r.Warnings {
		term.Fprintf(w, "warning: %s\n", text)
	}
}
