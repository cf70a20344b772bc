package look

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// linted is a kind of file that has a linter.
type linted struct {
	what, other string
	lint        func([]byte, trustedroot.LintOptions) ([]finding.Finding, error)
}

var (
	lintTrustedRoot   = linted{"trusted_root.json", "signing config", trustedroot.Lint}
	lintSigningConfig = linted{"signing config", "trusted_root.json", trustedroot.LintSigningConfig}
)

type lintOptions struct {
	*cmdutil.Factory
	linted
	judge   trustedroot.Judge
	file    string
	clients []string
	at      string
	pair    string
}

func newLintCmd(f *cmdutil.Factory, kind linted, online Online) *cobra.Command {
	o := &lintOptions{Factory: f, linted: kind, judge: online.Judge}
	cmd := cmdutil.Command(o, runLint, "lint FILE",
		"Judge any "+kind.what+" as its clients would",
		"Judge any "+kind.what+", whoever made it: what is wrong, where, what each\n"+
			"client does with it, and the repair. The exit code is 5 where a finding is\n"+
			"an error.", &o.file)
	cmd.Flags().StringSliceVar(&o.clients, "client", nil, "only what concerns these clients: cosign, sigstore-go, sigstore-js, sigstore-python, sigstore-java, sigstore-rs")
	cmd.Flags().StringVar(&o.at, "at", "", "judge at this time (RFC 3339; default now): every role must have a valid entry, and what is past is a note")
	cmd.Flags().StringVar(&o.pair, "pair", "", "the "+kind.other+" that the file must agree with")
	return cmd
}

func runLint(_ context.Context, o *lintOptions) error {
	data, err := cmdutil.ReadFile(o.file)
	if err != nil {
		return err
	}
	options := trustedroot.LintOptions{Clients: o.clients, Judge: o.judge}
	if known := ledgerBeside(o.Dir, o.file); known != nil {
		options.Compromised, options.Left = known.CompromisedKeys(), known.LeftKeys()
	}
	if options.At, err = cmdutil.Instant("--at", o.at, o.Now); err != nil {
		return err
	}
	if o.pair != "" {
		if options.Pair, err = cmdutil.ReadFile(o.pair); err != nil {
			return err
		}
	}
	findings, err := o.lint(data, options)
	if err != nil {
		return err
	}
	if o.judge == nil {
		o.Progress("no client judged the file: this program has the rules alone; `trustroot` asks sigstore-go too")
	}
	if err := o.Print(append([]finding.Finding{}, findings...), cmdutil.FindingsText(findings, term.StyleFor(o.Out))); err != nil {
		return err
	}
	if bad := finding.Errors(findings); bad > 0 {
		return fault.New(fault.Verification, "each finding says how to repair it", fmt.Errorf("%s: %s", o.file, cmdutil.Count(bad, "error")))
	}
	o.Progress("%s: %s, no errors", o.file, cmdutil.Count(len(findings), "finding"))
	return nil
}

// ledgerBeside is the ledger of the trust directory that a file lies in: it
// tells a compromise from a gap. It is nil where the file is somebody else's.
func ledgerBeside(dir, file string) *ledger.State {
	absolute, errD := filepath.Abs(dir)
	path, errF := filepath.Abs(file)
	inside, errR := filepath.Rel(absolute, path)
	if errors.Join(errD, errF, errR) != nil || strings.HasPrefix(inside, "..") {
		return nil
	}
	l, err := ledger.Read(filepath.Join(dir, "ledger.jsonl"))
	if err != nil {
		return nil
	}
	return l.State()
}
