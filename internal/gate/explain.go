package gate

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

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
