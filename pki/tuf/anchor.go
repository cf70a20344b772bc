package tuf

import (
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// CheckAgainst returns an error unless a holder's own copy of a root is one of
// the signed roots that the change builds on. The chain in the folder was
// checked from its first root on, so what Describe says then is the difference
// to what the holder knows to be signed. A first repository builds on nothing
// and cannot be checked this way.
func (s *Staged) CheckAgainst(rootJSON []byte) error {
	err := errors.New("a first repository builds on no root")
	if len(s.roots) > 0 {
		err = (&repository{roots: s.roots}).hasRoot(rootJSON)
	}
	if err != nil {
		return fault.New(fault.Verification, "do not sign; ask the one who staged the change", fmt.Errorf("check %s against your root: %w", s.dir, err))
	}
	return nil
}
