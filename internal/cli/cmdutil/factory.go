// Package cmdutil has what every command shares: streams, flags, printing and exit codes.
package cmdutil

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// Factory holds what every command needs of the world outside: streams, the
// person, one reading of the clock and the trust directory.
type Factory struct {
	Out      io.Writer // data
	Err      io.Writer // progress and prose
	Operator ceremony.Operator
	Now      time.Time
	Dir      string // the trust directory
	JSON     bool
	Confined bool // the program gives up what it has no use for before it reads a request

	// Grace is how long, in nanoseconds, an interrupted command may take to end
	// by itself.
	Grace atomic.Int64
}

// NewFactory returns the streams and the clock of a run of the program.
func NewFactory(ctx context.Context) *Factory {
	f := &Factory{
		Out:      term.NewWriter(os.Stdout),
		Err:      term.NewWriter(os.Stderr),
		Operator: term.NewTerminal(ctx),
		Now:      time.Now().UTC().Truncate(time.Second),
		Dir:      ".",
	}
	f.Grace.Store(int64(800 * time.Millisecond))
	return f
}

// Progress says on standard error what is going on.
func (f *Factory) Progress(format string, args ...any) {
	term.Fprintf(f.Err, format+"\n", args...) //nolint:errcheck // progress only
}

// printError is the one place that prints errors.
func printError(w io.Writer, err error) {
	style := term.StyleFor(w)
	for _, t := range tell(err) {
		for line := range strings.SplitSeq(t.text, "\n") {
			term.Fprintf(w, "trustroot: %s %s\n", style.Bad("error:"), line) //nolint:errcheck // nowhere left to say it
		}
		if t.hint != "" {
			term.Fprintf(w, "trustroot: hint: %s\n", t.hint) //nolint:errcheck // nowhere left to say it
		}
	}
}

// Usage marks an error of the command line.
func Usage(hint, format string, args ...any) error {
	return fault.New(fault.Usage, hint, fmt.Errorf(format, args...))
}

// Asker is an operator who types text. An empty line is the standard answer.
type Asker interface {
	Ask(text, standard string) (string, error)
}
