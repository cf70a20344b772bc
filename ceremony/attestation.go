package ceremony

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Roots returns the attestation roots that a plan's tokens must chain to:
// Yubico's, or, for the plan of a rehearsal and only where the caller said
// that it wants rehearsals, those that this plan pins.
func Roots(p *plan.Plan, rehearsal bool) (attestation.Roots, error) {
	switch {
	case p.Rehearsal == nil && rehearsal:
		return attestation.Roots{}, fault.New(fault.Usage, "leave --rehearsal away", errors.New("this is not the plan of a rehearsal"))
	case p.Rehearsal == nil:
		return attestation.Yubico(), nil
	case !rehearsal:
		return attestation.Roots{}, fault.New(fault.Verification, "pass --rehearsal if you mean to look at a rehearsal",
			errors.New("this belongs to a rehearsal: its token is virtual and proves nothing"))
	}
	certs, err := pki.ParseCertificates([]byte(p.Rehearsal.AttestationRoots))
	if err != nil {
		return attestation.Roots{}, fmt.Errorf("read the plan's rehearsal.attestation_roots: %w", err)
	}
	return attestation.Rehearsal(certs[0], certs[1:]...), nil
}

// checkAttestation proves that the token holds the key that want describes.
func checkAttestation(p *plan.Plan, token uint32, slot, device *x509.Certificate, want attestation.Expect, roots attestation.Roots, at time.Time) error {
	a, err := attestation.Verify(attestation.Pair{Slot: slot, Device: device}, roots, at)
	if err != nil {
		return err
	}
	want.Serial = token
	if !p.Allows(plan.ExceptionOldFirmware) {
		want.MinFirmware = minFirmware
	}
	return a.Match(want)
}
