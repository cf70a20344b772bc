package begin

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/adopt"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

type adoptOptions struct {
	*cmdutil.Factory
	adopt.Options
	serial  uint32
	answers string
	schema  bool
	roots   string
	write   bool
	flags   int // given
}

func newAdoptCmd(f *cmdutil.Factory) *cobra.Command {
	o := &adoptOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "adopt PATH...",
		Short: "Make a trust directory of a hierarchy that exists",
		Long: `Read what is under each PATH: certificates, public keys, trusted roots of any age,
signing configs and a token's state (token adopt). Show the hierarchy, ask one
question at a time for what no file tells, and make the folder of --dir, which
must not exist, a trust directory: plan, ledger, certificates, keys, and the
trusted root as it is published, but for repairs that you agreed to.

Answers are kept in adopt.yaml beside that folder: a second run asks only what is
open, and the file can be written by hand and reviewed. No private key is read.`,
		Args: func(c *cobra.Command, args []string) error {
			if o.schema {
				return cobra.NoArgs(c, args)
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.Paths, o.flags = args, c.Flags().NFlag()
			return runAdopt(c.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.TrustedRoot, "trusted-root", "", "the trusted_root.json in use, where it is not under a PATH")
	cmdutil.SerialFlag(cmd, &o.serial)
	flags.StringVar(&o.answers, "answers", "", "file with the answers (default adopt.yaml beside the folder of --dir)")
	flags.StringVar(&o.roots, "rehearsal", "", "make a rehearsal's directory: `FILE` holds the attestation roots of its virtual tokens")
	flags.BoolVar(&o.schema, "schema", false, "print the JSON schema of the answers")
	flags.BoolVar(&o.write, "write", false, "write the trust directory without asking once more")
	return cmd
}

func runAdopt(ctx context.Context, o *adoptOptions) error {
	if o.schema {
		return cmdutil.PrintData(o.Out, adopt.Schema)
	}
	err := adopt.CheckNew(o.Dir)
	if err != nil {
		return err
	}
	if o.answers == "" {
		o.answers = filepath.Join(filepath.Dir(filepath.Clean(o.Dir)), adopt.AnswersFile)
	}
	if o.By, o.Answers, err = adopt.ReadAnswers(o.answers); err != nil {
		return err
	}
	if o.roots != "" {
		roots, err := courier.ReadFile(o.roots, courier.MaxFile)
		if err != nil {
			return fault.New(fault.Usage, "name the file that `trustroot token virtual --attestation-roots` wrote", err)
		}
		o.Rehearsal = string(roots)
	}
	if o.serial != 0 {
		if err := o.readToken(ctx); err != nil {
			return err
		}
	}
	a, asked, err := o.converse()
	if err != nil {
		return err
	}
	if err := o.Print(a, adoptionText(a, term.StyleFor(o.Out))); err != nil {
		return err
	}
	if len(a.Questions) > 0 {
		return fault.New(fault.Usage, fmt.Sprintf("run it in a terminal, or write the answers into %s; nothing was written", o.answers),
			fmt.Errorf("%d questions are open", len(a.Questions)))
	}
	if !o.write {
		if err := o.Operator.Confirm(term.Question{
			Text: term.Sprintf("All questions are answered. You are about to make %s.", o.Dir),
			Yes:  "the trust directory is written",
			No:   "nothing was written but " + o.answers,
			Type: "write",
		}); err != nil {
			return err
		}
	}
	if err := a.Write(o.Dir, true); err != nil {
		return err
	}
	o.Progress("%s is a trust directory: %d questions were asked, and %d flags given. Review %s and %s, and put both under version control",
		o.Dir, asked, o.flags, o.answers, o.Dir)
	return nil
}

// converse asks one question at a time, keeps each answer, and reads the files
// anew with it: what an answer opens or closes is known at once. Where nobody
// can be asked, the open questions are in the adoption that it returns.
func (o *adoptOptions) converse() (a *adopt.Adoption, asked int, err error) {
	person, _ := o.Operator.(cmdutil.Asker)
	a, err = o.adopted()
	if err != nil {
		return nil, 0, err
	}
	if len(a.Questions) > 0 && person != nil && !o.JSON {
		if err := o.begin(a, person); err != nil {
			return a, 0, errors.Join(a.WriteAnswers(o.answers), o.unasked(err))
		}
	}
	for len(a.Questions) > 0 && person != nil && !o.JSON {
		q, now, ended := a.Questions[0], a, false
		err := term.Again(func(slip error) { o.Operator.Notice(slip.Error()) }, func() error {
			answer, err := person.Ask(questionText(q), q.Default)
			if err != nil {
				ended = true
				return o.unasked(err)
			}
			if answer = strings.TrimSpace(answer); answer == "" {
				return term.Slip(fault.New(fault.Usage, "", errors.New("this question has no answer of its own: please type one")))
			}
			o.Answers[q.ID] = answer
			if now, err = o.adopted(); err != nil {
				delete(o.Answers, q.ID)
			}
			if fault.ExitCode(err) == int(fault.Usage) {
				return term.Slip(err)
			}
			return err
		})
		if err != nil || ended {
			return a, asked, errors.Join(a.WriteAnswers(o.answers), err)
		}
		a, asked = now, asked+1
		if err := a.WriteAnswers(o.answers); err != nil {
			return a, asked, err
		}
	}
	err = a.WriteAnswers(o.answers)
	return a, asked, err
}

// adopted is the adoption with the answers so far; the last one must make files
// that can be written.
func (o *adoptOptions) adopted() (*adopt.Adoption, error) {
	a, err := adopt.Adopt(o.Options, o.Now)
	if err == nil && len(a.Questions) == 0 {
		err = a.Write(o.Dir, false)
	}
	return a, err
}

// unasked is nil where no terminal can be asked: the file then holds what is
// open.
func (o *adoptOptions) unasked(err error) error {
	if fault.ExitCode(err) == int(fault.Failure) {
		return nil
	}
	return err
}

// begin shows the hierarchy as it was understood, and asks for a name.
func (o *adoptOptions) begin(a *adopt.Adoption, person cmdutil.Asker) error {
	if o.By == "" {
		standard := ""
		if u, err := user.Current(); err == nil {
			standard = u.Username
		}
		by, err := person.Ask("Who answers? The ledger keeps the name beside what no file proves.", standard)
		if err != nil {
			return err
		}
		o.By = strings.TrimSpace(by)
	}
	o.Operator.Notice("\nFound:\n  " + strings.Join(a.Found, "\n  "))
	return nil
}

func questionText(q adopt.Question) string {
	text := q.Text
	if q.Wrong != "" {
		text += "\n  If wrong: " + q.Wrong + "."
	}
	if q.Form != "" {
		text += "\n  Type " + q.Form + "."
	}
	return text
}

func (o *adoptOptions) readToken(ctx context.Context) (err error) {
	token, err := device.Open(ctx, o.Factory, o.serial)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	o.Token, err = adopt.ReadRootToken(token, o.Now)
	return err
}

func adoptionText(a *adopt.Adoption, style term.Style) string {
	var b strings.Builder
	b.WriteString("found\n")
	for _, line := range a.Found {
		term.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("\nnot as it should be\n")
	if len(a.Defects) == 0 {
		b.WriteString("  nothing\n")
	}
	b.WriteString(cmdutil.FindingsText(a.Defects, style))
	if len(a.Questions) > 0 {
		b.WriteString("\nwhat no file tells\n")
	}
	for i, q := range a.Questions {
		term.Fprintf(&b, "  %d. %s\n     answer: %s\n", i+1, term.Text(strings.ReplaceAll(q.Text, "\n", "\n     ")), q.ID)
	}
	if len(a.Changes) > 0 {
		b.WriteString("\nhow the rebuilt trusted_root.json differs from the one in use\n")
	}
	for _, c := range a.Changes {
		term.Fprintf(&b, "  %s  %s\n      %s\n      because %s\n", c.Path, c.Name, c.Text, c.Reason)
	}
	return b.String()
}
