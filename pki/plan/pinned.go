package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Named reports whether every generation names its key. The root's needs none:
// it is made in its ceremony.
func (p *Plan) Named() bool {
	return !slices.ContainsFunc(p.outsideKeys(), func(k owned) bool { return k.Key == "" })
}

// Pinned fails with every generation that names no key or pins no digest yet.
func (p *Plan) Pinned() error {
	var missing []error
	for _, k := range p.outsideKeys() {
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
		"run `trustroot kms create --write`, and have a second person with other credentials run `trustroot kms list --pin --write`",
		errors.Join(missing...))
}

func (p *Plan) outsideKeys() []owned {
	return slices.DeleteFunc(p.allKeys(), func(k owned) bool { return k.owner == join("authorities", RootAuthority) })
}
