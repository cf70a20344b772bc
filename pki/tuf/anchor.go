package tuf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

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
		var trusted *document
		if trusted, err = parseDocument(metadata.ROOT, rootJSON); err == nil {
			err = inChain(s.roots, trusted)
		}
	}
	if err != nil {
		return fault.New(fault.Verification, "do not sign; ask the one who staged the change", fmt.Errorf("check %s against your root: %w", s.dir, err))
	}
	return nil
}

// inChain returns an error unless a root says what its version in the chain says.
func inChain(roots []*document, trusted *document) error {
	n := trusted.version()
	i := slices.IndexFunc(roots, func(d *document) bool { return d.version() == n })
	if i < 0 {
		return fmt.Errorf("the root to start from has version %d, the repository has %d versions", n, len(roots))
	}
	if same, err := roots[i].signsLike(trusted); err != nil {
		return err
	} else if !same {
		return fmt.Errorf("the repository's %s is another one than the root to start from", fileName(metadata.ROOT, n))
	}
	return nil
}
