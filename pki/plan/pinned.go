package plan

import (
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Pinned fails with every generation that names no key or pins no digest yet.
// The root's key needs neither: it is made in its ceremony.
func (p *Plan) Pinned() error {
	var missing []error
	for _, k := range p.allKeys() {
		if k.owner == join("authorities", RootAuthority) {
			continue
		}
		if k.Key == "" {
			missing = append(missing, fmt.Errorf("%s.key: missing", k.path))
		}
		if k.SPKISHA256 == "" {
			missing = append(missing, fmt.Errorf("%s.spki_sha256: missing", k.path))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.New(fault.Usage,
		"run trustroot kms list, and have a second person with other credentials write what it prints into the plan",
		errors.Join(missing...))
}
