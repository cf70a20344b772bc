package tuf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// CheckNewest refuses a staged change, a folder or its one file, beside which a
// newer one lies that makes a version of the same role: only one of them can be
// published.
func CheckNewest(path string, s *Staged) error {
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(path)), "[0-9][0-9][0-9][0-9]*"))
	if err != nil {
		return fmt.Errorf("look for a newer change than %s: %w", path, err)
	}
	number, _, _ := strings.Cut(filepath.Base(path), ".")
	for _, newer := range slices.Backward(beside) {
		if filepath.Base(newer)[:4] <= number {
			break
		}
		other, done, err := OpenChange(newer)
		supersedes := err == nil && other.digest != s.digest && slices.ContainsFunc(other.Versions(), func(v Version) bool {
			return slices.ContainsFunc(s.Versions(), func(w Version) bool { return v.Role == w.Role && v.Version == w.Version })
		})
		if err := done(); err != nil {
			return fmt.Errorf("look at %s: %w", newer, err)
		}
		if supersedes {
			return fault.New(fault.Usage, "take "+newer+" instead; remove it first if it was staged by mistake",
				fmt.Errorf("%s is superseded by %s, which makes %s version %d too", path, newer, other.sign[0].role, other.sign[0].version()))
		}
	}
	return nil
}
