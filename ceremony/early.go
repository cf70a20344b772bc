package ceremony

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// deviceCertificate is what a token shows of its maker before it has a key.
type deviceCertificate interface {
	DeviceCertificate() (*x509.Certificate, error)
}

// early refuses, before the first question of a new ceremony, a token that would
// be refused later: another one than the plan's, old firmware, a slot in use
// where a root key is to be made, an attestation certificate that leads to no
// root. What a replayed request is, is said where it always is: after the words.
// Then a new token is made ready. It asks for no PIN that is in use.
func early(ctx context.Context, d *day) (err error) {
	if err := openToken(ctx, d); err != nil {
		return err
	}
	err = checkEarly(d)
	err = errors.Join(err, d.device.Close())
	d.device = nil
	if err != nil || d.Ready == nil || d.Request.Root != nil {
		return err
	}
	return d.Ready(ctx)
}

func checkEarly(d *day) error {
	p, imported := d.Request.Plan, d.Request.Plan.Allows(plan.ExceptionImportedRoot)
	remembered, err := readMemory(d)
	if err != nil || remembered != nil && d.Request.Manifest.Sequence <= remembered.Sequence {
		return err
	}
	if d.Request.Root == nil && !imported {
		slot := p.Authorities[plan.RootAuthority].Token.Slot
		info, err := d.device.Slot(yubikey.Slot(slot))
		if err != nil {
			return fmt.Errorf("look at slot %s: %w", slot, err)
		}
		if !info.Empty {
			return inUse(d, slot)
		}
	}
	token, ok := d.device.(deviceCertificate)
	if !ok || imported {
		return nil
	}
	c, err := token.DeviceCertificate()
	if err != nil {
		return err
	}
	return attestation.VerifyDevice(c, d.Roots, d.Now)
}

// inUse refuses a slot in which a root key would be made: a token holds one
// generation of a root.
func inUse(d *day, slot string) error {
	return fault.New(fault.Device, "use a token whose slot "+slot+" is empty",
		fmt.Errorf("slot %s of token %d holds a key already; nothing was changed", slot, d.Serial))
}
