package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/next"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/status"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type statusOptions struct {
	*cmdutil.Factory
	within     string
	verbose    bool
	prometheus bool
}

func newStatusCmd(f *cmdutil.Factory) *cobra.Command {
	o := &statusOptions{Factory: f}
	cmd := cmdutil.Command(o, runStatus, "status",
		"Draw what exists, and everything that expires",
		`Say what waits and what needs a look, then draw the PKI, the logs and the
repository as a tree, and everything that expires as one list and one calendar.

With --within the exit code is 6 when a certificate or a role that people sign
ends within that time, when its signing window is open, or when the online key
is a day late.`)
	cmd.Flags().StringVar(&o.within, "within", "", "exit with 6 when something is due within this time (90d, 36h)")
	cmd.Flags().BoolVar(&o.verbose, "verbose", false, "also say where each key lives, which file holds it, and its fingerprint")
	cmd.Flags().BoolVar(&o.prometheus, "prometheus", false, "print metrics for the textfile collector")
	return cmd
}

func runStatus(ctx context.Context, o *statusOptions) error {
	within, err := span("--within", o.within)
	if err != nil {
		return err
	}
	if o.prometheus && o.JSON {
		return cmdutil.Usage("choose one of them", "--prometheus and --json exclude each other")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	s, err := status.Read(d, ctx, o.Now)
	if err != nil {
		return err
	}
	o.publication(ctx, d, s)
	if o.prometheus {
		err = cmdutil.PrintData(o.Out, []byte(s.Prometheus()))
	} else {
		err = overview.PrintStatus(ctx, o.Factory, d, s, o.verbose)
	}
	if err != nil || o.within == "" {
		return err
	}
	due := s.Due(within)
	if len(due) == 0 {
		return nil
	}
	var each []error
	for _, i := range due {
		each = append(each, fmt.Errorf("%s: end %s, %s", i.Title(), cmdutil.Stamp(*i.Expires), i.Left(s.At)))
	}
	return fault.New(fault.Due, "renew it: "+due[0].Do, errors.Join(each...))
}

// span reads "90d" or what Go calls a duration; empty is zero.
func span(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.Atoi(digits); err == nil && days >= 0 && days <= 36525 {
			return time.Duration(days) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, cmdutil.Usage("write it like 90d or 36h", "%s %q is not a length of time", flag, text)
	}
	return d, nil
}

// publication adds what is published otherwise than ledger and plan say, and
// every place that does not show what tuf/ shows.
func (o *statusOptions) publication(ctx context.Context, d *trustdir.Dir, s *status.Status) {
	warn := func(name, do string, err error) {
		if err != nil {
			s.Warnings = append(s.Warnings, status.Warning{Name: name, Text: err.Error(), Do: do})
		}
	}
	if err := publish.CheckDerived(d); fault.ExitCode(err) == int(fault.Verification) {
		warn("trust", fault.Hint(err), err)
	}
	places, err := publish.Places(d, ctx)
	warn("places", "look at tuf.places in the plan", err)
	for _, place := range places {
		if place.State != tuf.Current {
			warn(place.Place, "run `trustroot tuf refresh`", fmt.Errorf("%s (%s): %s", place.State, place.For, place.Text))
		}
	}
}

type nextOptions struct {
	*cmdutil.Factory
	as string
}

func newNextCmd(f *cmdutil.Factory) *cobra.Command {
	o := &nextOptions{Factory: f}
	cmd := cmdutil.Command(o, runNext, "next",
		"Say what waits, who does it, and with which command",
		`Say what the trust directory waits for: a checklist of steps, each with the
person who does it and the command. It reads plan, ledger, staged changes and
the published repository, and opens no connection. STICK stands for the mounted
stick, and other words in capitals for what only you know.`)
	cmd.Flags().StringVar(&o.as, "as", "", "only the steps of a role: "+strings.Join(next.Roles, ", "))
	return cmd
}

func runNext(ctx context.Context, o *nextOptions) error {
	role := strings.ReplaceAll(o.as, "-", " ")
	if role != "" && !slices.Contains(next.Roles, role) {
		return cmdutil.Usage("name one of: "+strings.Join(next.Roles, ", "), "--as %q is not a role", o.as)
	}
	l, err := next.Of(ctx, o.Dir, o.Now)
	if err != nil {
		return err
	}
	if role != "" {
		if l.As(role); len(l.Steps) == 0 {
			l.Quiet = fmt.Sprintf("Nothing waits for the %s.", role)
		}
	}
	return o.Print(l, overview.Checklist(l, o.Columns()))
}
