package gate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"
)

// State is how a check ended.
type State string

// States of a check. A skipped one hangs on another that failed.
const (
	Passed  State = "passed"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Check is one thing that was looked at.
type Check struct {
	Bundle string `json:"bundle,omitempty"` // key or keyless, with a number from the second on; empty for what concerns all
	Name   string `json:"check"`
	State  State  `json:"state"`
	Want   string `json:"want,omitempty"`
	Got    string `json:"got,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// ID is the name with the bundle's kind: keyless.trigger.
func (c Check) ID() string {
	if c.Bundle == "" {
		return c.Name
	}
	return c.Bundle + "." + c.Name
}

// String writes a check as one line.
func (c Check) String() string {
	var b strings.Builder
	b.WriteString(c.ID())
	if c.Want != "" && c.State == Failed {
		b.WriteString(": is " + visible(cmp.Or(c.Got, "nothing")) + ", must be " + c.Want)
	} else if c.Got != "" {
		b.WriteString(": " + visible(c.Got))
	}
	if c.Detail != "" {
		b.WriteString(": " + visible(strings.ReplaceAll(c.Detail, "\n", "; ")))
	}
	return b.String()
}

// visible escapes what a terminal would obey or show as a line of its own: who
// made a bundle chose its words.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// File is a file that took part.
type File struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"` // hex
}

// String is the path, on one line whatever its name.
func (f File) String() string { return visible(f.Path) }

// Evidence is a bundle that took part, and what came of it.
type Evidence struct {
	Label string `json:"bundle"` // key or keyless, as in the checks
	File
	Holds  bool   `json:"holds"`
	Signer string `json:"signer,omitempty"` // of one that holds: the key's SPKI, or issuer and identity of the policy
	Signed *Time  `json:"signed,omitempty"` // when, as a TSA or log says
}

// Report is the verdict and what led to it.
type Report struct {
	Accepted bool       `json:"accepted"`
	Time     time.Time  `json:"time"`
	Artifact File       `json:"artifact"`
	Policy   File       `json:"policy"`
	Trust    File       `json:"trusted_root"`
	Bundles  []Evidence `json:"bundles"`
	Checks   []Check    `json:"checks"`

	rule   *Policy
	unread []string // kinds of the bundles that are broken
}

// Time is a verified instant and who signed it.
type Time struct {
	Time   time.Time `json:"time"`
	Source string    `json:"source"`
}

// Failures are the checks that did not hold.
func (r *Report) Failures() []Check { return failures(r.Checks) }

func failures(checks []Check) []Check {
	return slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return c.State != Failed })
}

// Log writes the report as one line of JSON, for those who investigate.
func (r *Report) Log(ctx context.Context, w io.Writer) error {
	level, message := slog.LevelInfo, "artifact accepted"
	names := []string{}
	if !r.Accepted {
		level, message = slog.LevelError, "artifact refused"
		for _, c := range r.Failures() {
			names = append(names, c.ID())
		}
	}
	record := slog.NewRecord(r.Time, level, message, 0)
	record.AddAttrs(slog.Any("failed", names), slog.Any("artifact", r.Artifact), slog.Any("policy", r.Policy),
		slog.Any("trusted_root", r.Trust), slog.Any("bundles", r.Bundles), slog.Any("checks", r.Checks))
	return slog.NewJSONHandler(w, nil).Handle(ctx, record)
}

// Summary is the verdict as one of many lines.
type Summary struct {
	Accepted bool     `json:"accepted"`
	Artifact File     `json:"artifact"`
	Failed   []string `json:"failed,omitempty"` // checks of a refused artifact, in words
}

// Summary says what came of it.
func (r *Report) Summary() Summary {
	s := Summary{Accepted: r.Accepted, Artifact: r.Artifact}
	if !r.Accepted {
		for _, c := range r.Failures() {
			s.Failed = append(s.Failed, c.String())
		}
	}
	return s
}

// count asks whether as many different signers have signed as the rule wants.
// A bundle that does not hold counts for nobody, and spoils nobody else's.
func (r *Report) count(all []*evidence) bool {
	p := r.rule
	signers := map[string]map[string]bool{kindKey: {}, kindKeyless: {}}
	given := map[string]int{}
	for i, b := range r.Bundles {
		given[all[i].kind]++
		if b.Holds {
			signers[all[i].kind][b.Signer] = true
		}
	}
	strangers := 0 // broken, and of which kind nobody can tell
	for _, kind := range r.unread {
		if given[kind]++; kind == "" {
			strangers++
		}
	}
	want := p.counts()
	if p.Rule == ruleAny {
		if len(signers[kindKey])+len(signers[kindKeyless]) > 0 {
			return true
		}
		if len(r.Bundles)+len(r.unread) == 0 {
			r.Checks = append(r.Checks, Check{Name: "bundle", State: Failed, Detail: "no bundle was given"})
		}
		return false
	}
	enough := true
	for _, k := range []struct {
		kind, what string
		want       int
	}{{kindKey, "signed by a key", want.Keys}, {kindKeyless, "with a Fulcio certificate", want.Keyless}} {
		held := len(signers[k.kind])
		if held >= k.want {
			continue
		}
		enough = false
		switch {
		case given[k.kind] == 0 && strangers > 0:
			strangers-- // it is broken, which was said, and not missing
		case given[k.kind] == 0:
			r.Checks = append(r.Checks, Check{Bundle: k.kind, Name: "bundle", State: Failed, Detail: "no bundle " + k.what + " was given"})
		case k.want > 1:
			r.Checks = append(r.Checks, Check{Bundle: k.kind, Name: "count", State: Failed, Want: fmt.Sprint(k.want), Got: fmt.Sprint(held),
				Detail: "not enough different signers of the policy have signed"})
		}
	}
	return enough
}

// Explain says every check as text, the bundles one after the other.
func (r *Report) Explain() string {
	var b strings.Builder
	verdict := "refused"
	if r.Accepted {
		verdict = "accepted"
	}
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\t%s\n", verdict, r.Artifact)
	for _, f := range []struct {
		what string
		File
	}{{"artifact", r.Artifact}, {"policy", r.Policy}, {"trusted root", r.Trust}} {
		if f.Path != "" {
			fmt.Fprintf(t, "%s\t%s\n\tsha256:%s\n", f.what, f.File, f.SHA256)
		}
	}
	for _, e := range r.Bundles {
		fmt.Fprintf(t, "%s bundle\t%s\n\tsha256:%s\n", e.Label, e.File, e.SHA256)
		if e.Signed != nil {
			fmt.Fprintf(t, "signed (%s)\t%s, says %s\n", e.Label, e.Signed.Time.Format(time.RFC3339), visible(e.Signed.Source))
		}
	}
	for _, c := range r.Checks {
		fmt.Fprintf(t, "%s\t%s\n", c.State, c)
	}
	_ = t.Flush() // a strings.Builder takes everything
	return b.String()
}
