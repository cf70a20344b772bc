package publish

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

type tufMergeOptions struct {
	*cmdutil.Factory
	files []string // the change, then signature files
}

func newTUFMergeCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tufMergeOptions{Factory: f}
	return cmdutil.CommandOfMany(o, runTUFMerge, "merge STAGED [SIGNATURE…]", "Collect holders' signature files, and seal the change when there are enough",
		`Collect holders' signature files, in any order and in several runs.

In a trust directory the change must be what ledger, plan and holders make.
It says who has signed and who can still sign. Once every threshold is met by
distinct holders the change is sealed and can be published.`, 1, &o.files)
}

func runTUFMerge(_ context.Context, o *tufMergeOptions) error {
	staged, err := collected(o.Factory, o.files)
	if err != nil {
		return err
	}
	if o.JSON {
		return show.StagedJSON(o.Factory, staged)
	}
	return o.showSignatures(staged)
}

// collected opens a staged change, takes what holders sent, and seals it once
// there are enough.
func collected(f *cmdutil.Factory, files []string) (*tuf.Staged, error) {
	staged, err := tuf.OpenStaged(files[0])
	if err != nil {
		return nil, err
	}
	if err := publish.CheckHere(f.Dir, staged, f.Now); err != nil {
		return nil, err
	}
	var contents [][]byte
	for _, path := range files[1:] {
		data, err := cmdutil.ReadFile(path)
		if err != nil {
			return nil, err
		}
		contents = append(contents, data)
	}
	if err := staged.Add(contents...); err != nil {
		return nil, err
	}
	missing, err := staged.Missing()
	if err != nil || len(missing) > 0 {
		return staged, err
	}
	err = staged.Merge()
	return staged, err
}

func (o *tufMergeOptions) showSignatures(staged *tuf.Staged) error {
	status, err := staged.Status()
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, role := range status {
		for _, d := range role.Demands {
			term.Fprintf(&text, "%s %d for %s: %d of %d", role.Role, role.Version.Version, d.By, len(d.Signed), d.Threshold)
			if len(d.Signed) > 0 {
				term.Fprintf(&text, ", signed by %s", strings.Join(d.Signed, ", "))
			}
			if d.Open() > 0 {
				term.Fprintf(&text, "; can sign: %s", strings.Join(d.Waiting, ", "))
			}
			text.WriteString("\n")
		}
	}
	if err := cmdutil.PrintText(o.Out, text.String()); err != nil {
		return err
	}
	if staged.Sealed() {
		o.Progress("sealed; publish it with `trustroot tuf publish %s`", staged.Dir())
	}
	return show.Missing(o.Factory, staged)
}
