package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// factory holds what every command needs of the world outside: streams, the
// person, one reading of the clock and the trust directory.
type factory struct {
	out      io.Writer // data
	err      io.Writer // progress and prose
	operator ceremony.Operator
	now      time.Time
	dir      string // the trust directory
	json     bool
}

func newFactory(ctx context.Context) *factory {
	return &factory{
		out:      os.Stdout,
		err:      os.Stderr,
		operator: term.NewTerminal(ctx),
		now:      time.Now().UTC().Truncate(time.Second),
		dir:      ".",
	}
}

// progress says on standard error what is going on.
func (f *factory) progress(format string, args ...any) {
	fmt.Fprintf(f.err, format+"\n", args...) //nolint:errcheck // progress only
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, f *factory, args []string) int {
	root := newRootCmd(f, args)
	root.SetArgs(args)
	root.SetOut(f.out)
	root.SetErr(f.err)
	err := root.ExecuteContext(ctx)
	if err != nil {
		printError(f.err, err)
	}
	return fault.ExitCode(err)
}

// printError is the one place that prints errors.
func printError(w io.Writer, err error) {
	style := term.StyleFor(w)
	for _, t := range tell(err) {
		for line := range strings.SplitSeq(t.text, "\n") {
			fmt.Fprintf(w, "trustroot: %s %s\n", style.Bad("error:"), line) //nolint:errcheck // nowhere left to say it
		}
		if t.hint != "" {
			fmt.Fprintf(w, "trustroot: hint: %s\n", t.hint) //nolint:errcheck // nowhere left to say it
		}
	}
}

// usage marks an error of the command line.
func usage(hint, format string, args ...any) error {
	return fault.New(fault.Usage, hint, fmt.Errorf(format, args...))
}

// readFile reads a small file and names it in errors.
func readFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.Usage, "check the path", err)
	}
	return data, err
}
