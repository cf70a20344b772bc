package plan

import (
	"errors"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Named reports whether every generation names its key. The root's needs none:
// it is made in its ceremony.
func (p *Plan) Named() bool {
	return !slices.ContainsFunc(p.outsideKeys(), func(k owned) bool { return k.Key == "" })
}

// Unpinned names every key and digest of a generation that the plan lacks yet.
func (p *Plan) Unpinned() []string {
	var missing []string
	for _, k := range p.outsideKeys() {
		if k.Key == "" {
			missing = append(missing, k.path+".key: missing")
		}
		if k.SPKISHA256 == "" {
			missing = append(missing, k.path+".spki_sha256: missing")
		}
	}
	return missing
}

// Pinned fails with all that is Unpinned.
func (p *Plan) Pinned() error {
	fields := p.Unpinned()
	if len(fields) == 0 {
		return nil
	}
	missing := make([]error, len(fields))
	for i, field := range fields {
		missing[i] = errors.New(field)
	}
	return fault.New(fault.Usage,
		"run `trustroot kms create --write`, and have a second person with other credentials run `trustroot kms list --pin --write`",
		errors.Join(missing...))
}

func (p *Plan) outsideKeys() []owned {
	return slices.DeleteFunc(p.allKeys(), func(k owned) bool { return k.owner == join("authorities", RootAuthority) })
}
