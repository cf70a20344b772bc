package trustedroot

import (
	"io/fs"
	"slices"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Derive returns the trusted_root.json of ledger and plan: their own entries,
// those of the files that the plan includes, and those that were published
// without the ledger and kept, without the keys that a compromise took out.
// files is the trust directory.
func Derive(p *plan.Plan, s *ledger.State, files fs.FS) ([]byte, error) {
	includes, err := readPlanned(files, p.Include)
	if err != nil {
		return nil, err
	}
	pins := make([]ledger.File, len(s.Incidents))
	for i, in := range s.Incidents {
		pins[i] = in.File
	}
	kept, err := ReadIncludes(files, pins)
	if err != nil {
		return nil, err
	}
	for i := range kept {
		if kept[i], err = WithoutKeys(kept[i], s.LeftKeys()...); err != nil {
			return nil, err
		}
	}
	return Build(p, s, files, slices.Concat(includes, kept)...)
}

// DeriveSigningConfig returns the signing config of ledger and plan, with the
// logs and TSAs of the files that the plan includes for signers.
func DeriveSigningConfig(p *plan.Plan, s *ledger.State, files fs.FS) ([]byte, error) {
	if p.Signing == nil {
		return BuildSigningConfig(p, s)
	}
	includes, err := readPlanned(files, p.Signing.Include)
	if err != nil {
		return nil, err
	}
	return BuildSigningConfig(p, s, includes...)
}

func readPlanned(files fs.FS, includes []plan.Include) ([][]byte, error) {
	pins := make([]ledger.File, len(includes))
	for i, in := range includes {
		pins[i] = ledger.File{Path: in.Path, SHA256: in.SHA256}
	}
	return ReadIncludes(files, pins)
}
