package cmdutil

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/version"
)

// buildView is the JSON of `version`.
type buildView struct {
	Program string `json:"program"`
	Version string `json:"version"` // with the commit where the build recorded it
	Go      string `json:"go"`      // version of Go that built it
}

func newVersionCmd(f *Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v := buildView{c.Root().Name(), version.String(), runtime.Version()}
			return f.Print(v, term.Sprintf("%s version %s\n", v.Program, v.Version))
		},
	}
}
