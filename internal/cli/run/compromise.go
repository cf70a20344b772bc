package run

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

type compromiseOptions struct {
	*cmdutil.Factory
	renewal.Theft
	since       string
	leave, stay bool
}

func newCompromiseCmd(f *cmdutil.Factory) *cobra.Command {
	o := &compromiseOptions{Factory: f}
	cmd := cmdutil.Command(o, runCompromise, "compromise KEY|NAME",
		"Record that a key is compromised, and close everything that rests on it",
		`Record that a key is compromised. A compromise is of the key: every generation
of it ends at the last second before --since, and everything under it with it.
The command lists what falls, says what a thief can do with this key and what
saves what it signed before, and asks before it records anything. From then on
nothing is requested, signed, accepted or rendered on that key. It then starts
the work: the change is staged for the holders, and a new key is written into
the plan, for an authority in a ceremony today at the token of a root that may
issue. That ceremony signs the root's CRL too, where the plan has one.

KEY is the SHA-256 of its public key, tuf-online, or holder:NAME. The ledger
keeps the entry for ever.`, &o.Key)
	cmd.Flags().IntVar(&o.Generation, "generation", 0, "generation of the key (default: the newest)")
	cmd.Flags().StringVar(&o.since, "since", "", "first instant of misuse (RFC 3339)")
	cmd.Flags().StringVar(&o.Reason, "reason", "", "what happened, for those who read the ledger")
	cmd.Flags().BoolVar(&o.leave, "leave", false, "a TSA or log: take its entries out of trusted_root.json")
	cmd.Flags().BoolVar(&o.stay, "stay", false, "a TSA or log: keep its entries, closed, for the bundles from before")
	return cmd
}

func runCompromise(ctx context.Context, o *compromiseOptions) error {
	var err error
	if o.Since, err = cmdutil.Required("--since", o.since); err != nil {
		return err
	}
	if o.Reason == "" {
		return cmdutil.Usage("say in a few words what happened", "--reason is missing")
	}
	if o.leave && o.stay {
		return cmdutil.Usage("choose one of them", "--leave and --stay exclude each other")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	o.Leaves = o.leave
	m, err := renewal.Assess(d, o.Theft, o.Now)
	if err != nil {
		return err
	}
	var rest []string
	if m.Backwards {
		if rest, err = publish.RestOn(o.Dir, m.Key); err != nil {
			return err
		}
	}
	var notice strings.Builder
	term.Fprintf(&notice, "COMPROMISED since %s: %s, a %s key.\nThis ends:\n", cmdutil.Stamp(o.Since), m.Entry.Name, m.Role)
	for _, name := range m.Closes {
		term.Fprintf(&notice, "  %s\n", name)
	}
	for _, line := range m.Advice {
		term.Fprintf(&notice, "- %s\n", line)
	}
	if o.leave {
		for _, name := range rest {
			term.Fprintf(&notice, "- rests on it alone, and verifies no more: %s\n", name)
		}
	}
	o.Operator.Notice(strings.TrimSuffix(notice.String(), "\n"))
	if m.Entry.Leaves, err = o.leaves(m, rest); err != nil {
		return err
	}
	if err := o.Operator.Confirm(term.Question{
		Text: term.Sprintf("The key of %s is recorded as compromised, for ever.", m.Entry.Name),
		Yes:  term.Sprintf("%d entries end, and nothing is made with this key any more", len(m.Closes)),
		No:   "nothing is recorded",
		Type: m.Entry.Name,
	}); err != nil {
		return err
	}
	c, err := renewal.Compromise(d, m, o.Now)
	if err != nil {
		return err
	}
	lost, err := publish.SetAside(d)
	if err != nil {
		return err
	}
	for _, name := range lost {
		c.Next = append(c.Next, name+": this bundle no longer verifies; it is kept as one that must fail")
	}
	return printClosing(ctx, o.Factory, c)
}

// leaves is whether the entries of a key that can forge its dates leave
// trusted_root.json: as a flag says, or as the person answers.
func (o *compromiseOptions) leaves(m *renewal.Damage, rest []string) (bool, error) {
	if !m.Backwards || o.leave || o.stay {
		return o.leave, nil
	}
	alone := "no archived bundle rests on it alone"
	if len(rest) > 0 {
		alone = "if they leave, these verify no more: " + strings.Join(rest, ", ")
	}
	person, _ := o.Operator.(cmdutil.Asker)
	text := term.Sprintf("Do the entries of %s leave trusted_root.json, or stay, closed?\n  leave: every bundle that rests on this key alone is rejected\n  stay:  its dates from before the theft are trusted, which can be forged\n(%s)\nType leave or stay.", m.Entry.Name, alone)
	unsaid := cmdutil.Usage("--leave rejects every bundle that rests on it alone; --stay trusts its dates from before the theft, which can be forged",
		"%s: say whether its entries leave trusted_root.json or stay; %s", m.Entry.Name, alone)
	if person == nil || o.JSON {
		return false, unsaid
	}
	leave := false
	err := term.Again(func(error) { text = "Type leave or stay, or no to stop." }, func() error {
		answer, err := person.Ask(text, "")
		if err != nil {
			if fault.ExitCode(err) == int(fault.Failure) { // no terminal
				return unsaid
			}
			return err
		}
		switch answer = strings.ToLower(strings.TrimSpace(answer)); answer {
		case "leave", "stay":
			leave = answer == "leave"
			return nil
		case "", "n", "no":
			return term.Stopped("nothing is recorded")
		}
		return term.Slip(unsaid)
	})
	return leave, err
}

type endOptions struct {
	*cmdutil.Factory
	name       string
	generation int
	at         string
	checkpoint string // where a log's storage is
}

func newPromoteCmd(f *cmdutil.Factory) *cobra.Command {
	o := &endOptions{Factory: f}
	cmd := cmdutil.Command(o, runPromote, "promote", "Have verifiers trust a root that stands by", "")
	cmd.Flags().IntVar(&o.generation, "generation", 0, "generation of the root, where several stand by")
	return cmd
}

func runPromote(ctx context.Context, o *endOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	c, err := renewal.Promote(d, o.generation, o.Now)
	if err != nil {
		return err
	}
	return printClosing(ctx, o.Factory, c)
}

func newRetireCmd(f *cmdutil.Factory) *cobra.Command {
	o := &endOptions{Factory: f}
	cmd := cmdutil.Command(o, runRetire, "retire NAME",
		"End a key that nothing replaces: an application's, a service's, a root's",
		`End a generation that nothing replaces. What it signed until --at stays valid,
and its entries stay. A root ends once nothing under it is open.

Of a log the last checkpoint is fetched, verified and kept: stop the log first.
Gates then refuse what its key signs in a larger or in another tree, whatever
time it claims; no Sigstore client does.`, &o.name)
	cmd.Flags().IntVar(&o.generation, "generation", 0, "generation (default: the newest)")
	cmd.Flags().StringVar(&o.at, "at", "", "last instant of use (RFC 3339) (default: now)")
	cmd.Flags().StringVar(&o.checkpoint, "read", "", "URL or folder that holds the checkpoint of a log (default: its own URL)")
	return cmd
}

func runRetire(ctx context.Context, o *endOptions) error {
	at, err := cmdutil.Instant("--at", o.at, o.Now)
	if err != nil {
		return err
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	var last []byte
	if log, isLog := d.Plan.Logs[o.name]; isLog {
		source := services.Source{Plan: d.Plan, State: d.State, Files: d.FS(), Now: o.Now}
		number := cmp.Or(o.generation, len(d.State.Logs[o.name]))
		if last, err = source.LastCheckpoint(ctx, o.name, number, cmp.Or(o.checkpoint, log.URL)); err != nil {
			return err
		}
	}
	c, err := renewal.Retire(d, o.name, o.generation, last, at, o.Now)
	if err != nil {
		return err
	}
	return printClosing(ctx, o.Factory, c)
}
