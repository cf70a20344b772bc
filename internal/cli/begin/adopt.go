package begin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/adopt"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/device"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

type adoptOptions struct {
	*cmdutil.Factory
	adopt.Options
	serial   uint32
	rootKey  string
	urls     []string
	logs     []string
	starts   []string
	cutovers []string
	missing  []string
	keys     []string
	write    bool
}

func newAdoptCmd(f *cmdutil.Factory, run func(context.Context, *adoptOptions) error) *cobra.Command {
	o := &adoptOptions{Factory: f}
	cmd := &cobra.Command{
		Use:   "adopt PATH...",
		Short: "Make a trust directory of a hierarchy that exists",
		Long: `Read the certificates and public keys under each PATH, the trusted_root.json in
use and, with --serial, the root's token. Explain every defect, ask for what no
file tells, and with --write make the folder of --dir, which must not exist, a
trust directory as if it had been made here: plan, ledger, certificates, keys and
a trusted_root.json that strict clients read, with every difference from the one
in use and its reason.

Each question names the flag that answers it. No private key is read and nothing
is changed but the new folder.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Paths = args
			return run(c.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.TrustedRoot, "trusted-root", "", "the trusted_root.json in use")
	cmdutil.SerialFlag(cmd, &o.serial)
	flags.StringVar(&o.rootKey, "root-key", "", "PIN,TOUCH: how slot 9c is guarded (once,never)")
	flags.StringArrayVar(&o.urls, "url", nil, "NAME=URL: where a service answers")
	flags.StringArrayVar(&o.logs, "log", nil, "SPKI-SHA256=NAME,KIND,ORIGIN,URL: of which log a key is")
	flags.StringArrayVar(&o.starts, "start", nil, "NAME:N=TIME: when a log's key N was first used")
	flags.StringArrayVar(&o.cutovers, "cutover", nil, "NAME:N=TIME: when generation N was seen in use, or open")
	flags.StringArrayVar(&o.missing, "missing", nil, "SERIAL=REASON: what became of a serial number that no certificate here has")
	flags.StringArrayVar(&o.keys, "key", nil, "NAME:N=ARN: the KMS key of a generation")
	flags.BoolVar(&o.write, "write", false, "write the trust directory")
	return cmd
}

func runAdopt(ctx context.Context, o *adoptOptions) error {
	if err := errors.Join(adopt.CheckNew(o.Dir), o.answers()); err != nil {
		return err
	}
	if o.serial != 0 {
		if err := o.readToken(ctx); err != nil {
			return err
		}
	}
	a, err := adopt.Adopt(o.Options, o.Now)
	if err != nil {
		return err
	}
	if len(a.Questions) == 0 {
		if err := a.Write(o.Dir, o.write); err != nil {
			return err
		}
	}
	if o.JSON {
		err = cmdutil.PrintJSON(o.Out, a)
	} else {
		err = cmdutil.PrintText(o.Out, adoptionText(a, term.StyleFor(o.Out)))
	}
	switch {
	case err != nil:
		return err
	case len(a.Questions) > 0:
		return fault.New(fault.Usage, "run it again with an answer to each question; nothing was written", fmt.Errorf("%d questions are open", len(a.Questions)))
	case !o.write:
		o.Progress("nothing was written: run it again with --write to make %s", o.Dir)
	default:
		o.Progress("%s is a trust directory: review it, put it under version control, and publish the rebuilt trusted_root.json", o.Dir)
	}
	return nil
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

// answers reads the flags that answer questions.
func (o *adoptOptions) answers() error {
	var errs []error
	each := func(flag string, list []string, put func(name, value string) error) {
		for _, text := range list {
			name, value, ok := strings.Cut(text, "=")
			if !ok || name == "" || value == "" {
				errs = append(errs, cmdutil.Usage("write it like NAME=VALUE", "%s %q has no value", flag, text))
				continue
			}
			errs = append(errs, put(name, value))
		}
	}
	o.URLs, o.Missing, o.Keys = map[string]string{}, map[string]string{}, map[string]string{}
	o.Starts, o.Cutovers, o.Logs = map[string]time.Time{}, map[string]time.Time{}, map[string]adopt.Log{}
	into := func(m map[string]string) func(string, string) error {
		return func(name, value string) error { m[name] = value; return nil }
	}
	each("--url", o.urls, into(o.URLs))
	each("--key", o.keys, into(o.Keys))
	each("--missing", o.missing, func(serial, reason string) error {
		o.Missing[strings.TrimLeft(strings.ToLower(serial), "0")] = reason
		return nil
	})
	each("--start", o.starts, func(name, value string) (err error) {
		o.Starts[name], err = cmdutil.Instant("--start", value)
		return err
	})
	each("--cutover", o.cutovers, func(name, value string) (err error) {
		if value == "open" {
			o.Cutovers[name] = time.Time{}
			return nil
		}
		o.Cutovers[name], err = cmdutil.Instant("--cutover", value)
		return err
	})
	each("--log", o.logs, func(spki, value string) error {
		parts := strings.Split(value, ",")
		if len(parts) != 4 {
			return cmdutil.Usage("write it like SPKI-SHA256=NAME,KIND,ORIGIN,URL", "--log %q has %d parts", value, len(parts))
		}
		o.Logs[strings.ToLower(spki)] = adopt.Log{Name: parts[0], Kind: parts[1], Origin: parts[2], URL: parts[3]}
		return nil
	})
	if o.rootKey != "" {
		pin, touch, ok := strings.Cut(o.rootKey, ",")
		if !ok {
			errs = append(errs, cmdutil.Usage("write it like --root-key once,never", "--root-key %q has no comma", o.rootKey))
		}
		o.Root = &plan.TokenKey{Slot: "9c", PIN: pin, Touch: touch}
	}
	return errors.Join(errs...)
}

func adoptionText(a *adopt.Adoption, style term.Style) string {
	var b strings.Builder
	b.WriteString("found\n")
	for _, line := range a.Found {
		fmt.Fprintf(&b, "  %s\n", line)
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
		fmt.Fprintf(&b, "  %d. %s\n     answer with %s\n", i+1, q.Text, q.Answer)
	}
	if len(a.Changes) > 0 {
		b.WriteString("\nhow the rebuilt trusted_root.json differs from the one in use\n")
	}
	for _, c := range a.Changes {
		fmt.Fprintf(&b, "  %s  %s\n      %s\n      because %s\n", c.Path, c.Name, c.Text, c.Reason)
	}
	return b.String()
}
