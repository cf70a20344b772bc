package gate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Explain writes every check as text, the bundles one after the other.
func (r *Report) Explain(w io.Writer) error {
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
	}{
		{"artifact", r.Artifact}, {"policy", r.Policy}, {"trusted root", r.Trust},
		{"bundle by key", r.Bundles[kindKey]}, {"keyless bundle", r.Bundles[kindKeyless]},
	} {
		if f.Path != "" {
			fmt.Fprintf(t, "%s\t%s\n\tsha256:%s\n", f.what, f.File, f.SHA256)
		}
	}
	for _, kind := range []string{kindKey, kindKeyless} {
		if s, ok := r.Signed[kind]; ok {
			fmt.Fprintf(t, "signed (%s)\t%s, says %s\n", kind, s.Time.Format(time.RFC3339), s.Source)
		}
	}
	for _, c := range r.Checks {
		fmt.Fprintf(t, "%s\t%s\n", c.State, c)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}
