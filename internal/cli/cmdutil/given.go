package cmdutil

import (
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Given returns the file of an argument, or the trust directory's own.
func (f *Factory) Given(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return filepath.Join(f.Dir, filepath.FromSlash(trustdir.TrustedRootFile))
}
