package cmdutil

import (
	"strings"

	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// FindingsText writes findings as every command shows them: what is wrong and
// where, which clients fail, what to do. A repair that follows again at once is
// written at the last only.
func FindingsText(list []finding.Finding, style term.Style) string {
	mark := map[finding.Severity]func(string) term.Text{finding.Error: style.Bad, finding.Unknown: style.Warn, finding.Warning: style.Warn, finding.Info: style.Bold}
	var b strings.Builder
	for i, f := range list {
		if i+1 < len(list) && list[i+1].Repair == f.Repair {
			f.Repair = ""
		}
		term.Fprintf(&b, "%s %s (%s)\n", mark[f.Severity](string(f.Severity)+":"), f.Head(), f.ID)
		for _, row := range [][2]string{{"clients:", f.Effects()}, {"also at:", strings.Join(f.Also, ", ")}, {"repair:", f.Repair}} {
			if row[1] != "" {
				term.Fprintf(&b, "  %s %s\n", style.Dim(row[0]), row[1])
			}
		}
	}
	return b.String()
}
