package cmdutil

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/version"
)

// Group is a part of the command tree: commands and the command they stand
// under, or nothing for the program itself.
type Group struct {
	parent   string
	commands []*cobra.Command
}

// Under groups commands under a parent.
func Under(parent string, commands ...*cobra.Command) Group { return Group{parent, commands} }

// parents are the commands that only group others.
var parents = map[string]string{ //nolint:gosec // "token" is the name of a command
	"plan":           "What should exist",
	"token":          "Work with a YubiKey's PIV application",
	"kms":            "The keys in AWS KMS",
	"request":        "What crosses to the ceremony host",
	"ceremony":       "The day at the root's token",
	"ledger":         "Every serial, generation and cutover there ever was",
	"log":            "Checkpoint keys of transparency logs",
	"trusted-root":   "The file that verifiers live by",
	"signing-config": "The file that tells signers where to go",
	"trust":          "The trust root in the forms that its consumers read",
	"tuf":            "The repository that verifiers fetch",
	"material":       "Tokens, media and papers: where they are, in which bag, who had them",
	"audit":          "What an auditor is given",
	"services":       "The running Fulcio, timestamp authority, Rekor and TesseraCT",
}

// NewRoot makes a program of groups of commands.
func NewRoot(f *Factory, name, short string, groups ...[]Group) *cobra.Command {
	root := &cobra.Command{
		Use:           name,
		Short:         short,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          help,
	}
	root.PersistentFlags().StringVar(&f.Dir, "dir", f.Dir, "the trust directory")
	root.PersistentFlags().BoolVar(&f.JSON, "json", false, "print data as JSON")
	root.PersistentPreRun = func(c *cobra.Command, _ []string) {
		if !root.PersistentFlags().Changed("dir") && !slices.Contains(begins, c.Name()) {
			f.Dir = above(f.Dir)
		}
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fault.New(fault.Usage, "see `"+c.CommandPath()+" --help`", err)
	})
	made := map[string]*cobra.Command{"": root}
	for _, list := range groups {
		for _, g := range list {
			if made[g.parent] == nil {
				made[g.parent] = &cobra.Command{Use: g.parent, Short: parents[g.parent], RunE: help}
				root.AddCommand(made[g.parent])
			}
			made[g.parent].AddCommand(g.commands...)
		}
	}
	root.AddCommand(newVersionCmd(f))
	addHelp(f, root)
	addExamples(root)
	markUsage(root)
	complete(f, root)
	return root
}

// begins are the commands that make a trust directory where the person stands.
var begins = []string{"init", "adopt", "rehearse"}

// above finds the trust directory that a folder lies in, as a relative path: the
// folder itself, or the next one above it that belongs to the same person. Where
// there is none, the folder is returned.
func above(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return dir
	}
	for at := dir; ; at = filepath.Join(at, "..") {
		here, err := os.Stat(at)
		if err != nil || !sameOwner(info, here) {
			return dir
		}
		if _, err := os.Stat(filepath.Join(at, "pki.yaml")); err == nil {
			return at
		}
		if up, err := os.Stat(filepath.Join(at, "..")); err != nil || os.SameFile(here, up) {
			return dir
		}
	}
}

func sameOwner(a, b os.FileInfo) bool {
	x, ok := a.Sys().(*syscall.Stat_t)
	y, also := b.Sys().(*syscall.Stat_t)
	return ok && also && x.Uid == y.Uid
}

// Main is a program's main without the exit, so that deferred cleaning up
// happens. It returns the exit code.
func Main(tree func(*Factory) *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	f := NewFactory(ctx)
	done := make(chan int, 1)
	go func() { done <- Execute(ctx, f, tree(f), os.Args[1:]) }()
	select {
	case code := <-done:
		return code
	case <-ctx.Done():
	}
	select {
	case code := <-done:
		return code
	case <-time.After(time.Duration(f.Grace.Load())): // a card, a disk or a program that does not answer cannot be called off
		term.Restore()
		printError(f.Err, fault.New(fault.Stopped, "run the same command again to resume: what was written before is whole",
			errors.New("stopped while waiting for something that does not answer")))
		return int(fault.Stopped)
	}
}

// Execute runs one command line and returns its exit code.
func Execute(ctx context.Context, f *Factory, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	root.SetOut(f.Out)
	root.SetErr(f.Err)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && fault.ExitCode(err) != int(fault.Stopped) && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		err = fault.New(fault.Stopped, "run the same command again to resume: what was written before is whole", err)
	}
	if err != nil {
		printError(f.Err, err)
	}
	return fault.ExitCode(err)
}

// emptyFlags refuses a flag that was given without a value, "" or --serial 0:
// what was meant to be compared or chosen by it would silently be left out.
func emptyFlags(c *cobra.Command) error {
	var errs []error
	c.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		empty := func(v string) bool {
			return strings.TrimSpace(v) == "" || v == "0" && f.Value.Type() == "uint32"
		}
		if len(values) == 0 || slices.ContainsFunc(values, empty) {
			errs = append(errs, fmt.Errorf("--%s is given without a value", f.Name))
		}
	})
	return errors.Join(errs...)
}

// meant names the commands that a mistyped one is close to.
func meant(c *cobra.Command, typed string) string {
	c.SuggestionsMinimumDistance = 2
	if alike := c.SuggestionsFor(typed); len(alike) > 0 {
		return "; did you mean " + strings.Join(alike, " or ") + "?"
	}
	return ""
}

// markUsage makes wrong arguments, and commands that are none, errors of
// usage.
func markUsage(cmd *cobra.Command) {
	check := cmd.Args
	cmd.Args = func(c *cobra.Command, args []string) error {
		var err error
		if c.HasSubCommands() && len(args) > 0 {
			err = fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), meant(c, args[0]))
		} else if check != nil {
			if err = check(c, args); err != nil {
				err = fmt.Errorf("%w; usage: %s", err, c.UseLine())
			}
		}
		if err = errors.Join(err, emptyFlags(c)); err != nil {
			return fault.New(fault.Usage, "see `"+c.CommandPath()+" --help`", err)
		}
		return nil
	}
	for _, sub := range cmd.Commands() {
		markUsage(sub)
	}
}
