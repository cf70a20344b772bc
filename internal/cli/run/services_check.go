package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type servicesCheckOptions struct {
	*cmdutil.Factory
	names       []string
	urls, reads map[string]string
	copies      []string
	timeout     time.Duration
	prometheus  bool
}

func newServicesCheckCmd(f *cmdutil.Factory) *cobra.Command {
	o := &servicesCheckOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runServicesCheck, "check [NAME...]",
		"Ask the running services, and hold their answers against plan and ledger",
		`Ask the running services at the plan's URLs, all at once, and hold what they
answer against plan and ledger: Fulcio's chains and identity providers, the
TSA's chain and a timestamp, the checkpoints of Rekor and TesseraCT and the
roots that TesseraCT accepts, the published TUF repository and its
trusted_root.json, each place of the plan's tuf.places, and any copies of that
file. During a renewal it says which generation each service is on, and whether
the recorded cutovers agree.

NAME is an authority or a log of the plan, or tuf; without one, all are asked.
Rekor and TesseraCT take entries and leave reading to the storage behind them:
where that is not served under the log's URL, --read names the place.

Nothing is written to any log; one timestamp is asked for. HTTPS_PROXY and
SSL_CERT_FILE are honoured. The exit code is 5 where an answer differs, and 1
where none differs and something was not answered: that is not a pass.`, 0, &o.names)
	cmd.Flags().StringToStringVar(&o.urls, "url", nil, "ask NAME at this URL in place of the plan's (NAME=URL)")
	cmd.Flags().StringToStringVar(&o.reads, "read", nil, "URL or folder that holds the checkpoint of log NAME (NAME=URL)")
	cmd.Flags().StringArrayVar(&o.copies, "copy", nil, "URL or file of a copy of trusted_root.json; may be given several times")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 10*time.Second, "how long one answer may take")
	cmd.Flags().BoolVar(&o.prometheus, "prometheus", false, "print metrics for the textfile collector")
	return cmd
}

func runServicesCheck(ctx context.Context, o *servicesCheckOptions) error {
	if o.prometheus && o.JSON {
		return cmdutil.Usage("choose one of them", "--prometheus and --json exclude each other")
	}
	if o.timeout <= 0 {
		return cmdutil.Usage("write it like 10s", "--timeout %s is not a time to wait", o.timeout)
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	source := services.Source{Plan: d.Plan, State: d.State, Files: d.FS(), Now: o.Now}
	if source.Published, err = publication(o.Factory, ctx, d); err != nil {
		o.Progress("tuf/ is left out: %v", err)
	}
	report, err := source.Check(ctx, services.Options{Names: o.names, URLs: o.urls, Reads: o.reads, Copies: o.copies, Timeout: o.timeout})
	if err != nil {
		return err
	}
	if len(o.names) == 0 || slices.Contains(o.names, services.TUF) {
		if err := addPlaces(ctx, d, report); err != nil {
			return err
		}
	}
	switch {
	case o.JSON:
		err = cmdutil.PrintJSON(o.Out, report)
	case o.prometheus:
		err = cmdutil.PrintData(o.Out, []byte(report.Prometheus()))
	default:
		err = cmdutil.PrintText(o.Out, checkText(report, term.StyleFor(o.Out)))
	}
	if err != nil {
		return err
	}
	return report.Err()
}

// addPlaces holds each place of the plan against the trust directory's copy of
// the repository.
func addPlaces(ctx context.Context, d *trustdir.Dir, r *services.Report) error {
	places, err := publish.Places(d, ctx)
	if err != nil {
		return err
	}
	for _, place := range places {
		verdict, repair := services.Differs, "do not sign for it before the cause is known"
		switch place.State {
		case tuf.Current:
			verdict = services.Agrees
		case tuf.Behind:
			repair = "bring it up: `trustroot tuf refresh`"
		case tuf.Ahead:
			repair = "bring this trust directory up to date from version control"
		case tuf.RolledBack:
			repair = "find out who took it back; then bring it up again: `trustroot tuf refresh --restore " + place.Place + "`"
		case tuf.Foreign:
		case tuf.Unreachable:
			verdict, repair = services.NoAnswer, "look at the place and the way to it"
		}
		r.AddPlace(place.Place, verdict, strings.TrimSuffix(fmt.Sprintf("the place is %s: %s", place.State, place.Text), ": "), repair)
	}
	return nil
}

// checkText is a table of what was asked, then what was found.
func checkText(r *services.Report, style term.Style) string {
	text := cmdutil.Table(func(w *tabwriter.Writer) {
		for _, a := range r.Answers {
			name, url := a.Name, a.URL
			if a.Program == services.Copy || a.Program == services.Place {
				name, url = a.Program, a.Name
			}
			term.Fprintf(w, "%s\t%s\t%s\t%s\n", name, url, generationText(a), a.Verdict)
		}
	})
	text = colourVerdicts(text, r, style)
	findings := make([]finding.Finding, len(r.Findings))
	for i, f := range r.Findings {
		findings[i] = f.Finding
	}
	if len(findings) > 0 {
		text += "\n" + cmdutil.FindingsText(findings, style)
	}
	return text
}

func generationText(a services.Answer) string {
	switch {
	case a.Newest == 0:
		return "-"
	case a.Generation == 0:
		return "generation ?"
	case a.Generation == a.Newest:
		return fmt.Sprintf("generation %d", a.Generation)
	}
	return fmt.Sprintf("generation %d of %d", a.Generation, a.Newest)
}

// colourVerdicts marks the last column, which the table must not count.
func colourVerdicts(table string, r *services.Report, style term.Style) string {
	lines := strings.SplitAfter(table, "\n")
	for i, a := range r.Answers {
		mark := map[services.Verdict]func(string) term.Text{services.Agrees: style.Good, services.NoAnswer: style.Warn, services.Differs: style.Bad}[a.Verdict]
		rest := strings.TrimSuffix(lines[i], string(a.Verdict)+"\n")
		lines[i] = rest + string(mark(string(a.Verdict))) + "\n"
	}
	return strings.Join(lines, "")
}
