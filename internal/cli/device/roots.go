package device

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// PlanHere reads the plan of the trust directory; nil where there is none.
func PlanHere(f *cmdutil.Factory) (*plan.Plan, error) {
	name := filepath.Join(f.Dir, trustdir.PlanFile)
	data, err := courier.ReadFile(name, courier.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	return plan.Parse(name, data)
}

// Roots returns Yubico's, or, when a rehearsal is wanted, those
// that the plan in the trust directory pins.
func Roots(f *cmdutil.Factory, rehearsal bool) (attestation.Roots, error) {
	if !rehearsal {
		return attestation.Yubico(), nil
	}
	p, err := PlanHere(f)
	if err != nil {
		return attestation.Roots{}, err
	}
	if p == nil {
		return attestation.Roots{}, cmdutil.Usage("name the rehearsal's folder with --dir", "--rehearsal: %s has no %s that pins a rehearsal's root", f.Dir, trustdir.PlanFile)
	}
	return ceremony.Roots(p, true)
}
