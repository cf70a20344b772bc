package publish

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// whereFlags adds the flags that change the places of the plan.
func whereFlags(cmd *cobra.Command, w *publish.Where) {
	cmd.Flags().StringArrayVar(&w.To, "to", nil, "another folder or s3://BUCKET/PREFIX that is served; may be given again")
	cmd.Flags().StringArrayVar(&w.Without, "without", nil, "leave out this place; may be given again")
	cmd.Flags().StringArrayVar(&w.Restore, "restore", nil, "bring up this place though it went back, once you know why; may be given again")
}

// placesText says what was written where.
func placesText(places []publish.PublishedAt) string {
	var text strings.Builder
	for _, p := range places {
		if p.Error != "" {
			continue // the error says so
		}
		if len(p.Written) == 0 {
			term.Fprintf(&text, "%s: all there\n", p.Place)
		}
		for _, name := range p.Written {
			term.Fprintf(&text, "%s: wrote %s\n", p.Place, name)
		}
	}
	return text.String()
}

// deadlines says what must be signed next, and by whom.
func deadlines(w *tabwriter.Writer, next []tuf.Deadline) {
	for _, d := range next {
		when := "from " + d.SignFrom.Format(time.DateOnly)
		if d.Now {
			when = "NOW"
		}
		who := "the online key"
		if !d.Online {
			who = fmt.Sprintf("%d of %s", d.Threshold, strings.Join(d.Holders, ", "))
		}
		term.Fprintf(w, "%s %d\tsign %s\texpires %s\t%s\n", d.Role, d.Version.Version, when, d.Expires.Format(time.DateOnly), who)
	}
}
