package services

import (
	"errors"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// keyOf is what a key ID of a trusted root belongs to.
type keyOf struct {
	name       string
	generation ledger.Generation
}

// known maps key IDs, as trustedroot.Change has them, to the ledger's.
func known(s *Source) (map[string]keyOf, error) {
	out := map[string]keyOf{}
	for name, generations := range s.State.Logs {
		for _, g := range generations {
			out[g.Log.LogID] = keyOf{name, g}
		}
	}
	var problems []error
	for name, generations := range s.State.Authorities {
		for _, g := range generations {
			c, err := g.Certificate.File.Certificate(s.Files)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			out[digest.Hex(c.Raw)] = keyOf{name, g}
		}
	}
	return out, errors.Join(problems...)
}
