package ceremony

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Names of steps, as the journal has them.
const (
	stepGenerate     = "generate"
	stepAttest       = "attest"
	stepRecordKey    = "generate record key"
	stepAttestRecord = "attest record key"
	stepInstall      = "install"
	stepSign         = "sign" // followed by a space and the authority
)

// makeRoot makes the root key in its slot and has the token attest it. A key
// that an earlier, cut run made is found again, never made twice. Where the
// plan says that the key was imported, the one in the slot is taken, and
// nothing attests it.
func (d *day) makeRoot(context.Context) error {
	intent := rootKeyIn(d.Request.Plan)
	allow := allowNewRoot
	if d.Request.Plan.Allows(plan.ExceptionImportedRoot) {
		allow = allowImportedRoot
	}
	pub, err := key(d, stepGenerate, intent, allow)
	if err != nil {
		return err
	}
	d.pub = pub
	if d.Request.Plan.Allows(plan.ExceptionImportedRoot) {
		return nil
	}
	return attest(d, stepAttest, record.SlotFile, keyExpectation(intent, pub))
}

// allowNewRoot asks before a root key is made in an empty slot.
func allowNewRoot(d *day, in keyIntent, info yubikey.SlotInfo, retried bool) error {
	if !info.Empty && !retried {
		return inUse(d, in.Slot)
	}
	if !info.Empty {
		// the attestation that follows proves that it was made on this token
		return show(d, stepGenerate, "The key that the cut run made is in slot "+in.Slot+"; it is kept.")
	}
	return ask(d, stepGenerate, term.Question{
		Text: term.Sprintf("A %s root key will be made in slot %s of token %d. It can never leave the token.", in.Algorithm, in.Slot, d.Serial) + withRecordKey(d),
		Yes:  "the keys are made and attested",
		No:   "the token is unchanged",
		Type: fmt.Sprint(d.Serial),
	})
}

// withRecordKey says what else is made on a yes to a new root.
func withRecordKey(d *day) string {
	return term.Sprintf(" A P-256 record key is made in slot %s, where there is none yet. It signs the records of ceremonies and nothing else.", recordKeyIn(d.plan).Slot)
}

// allowImportedRoot asks before a key that was made on a host becomes the root.
func allowImportedRoot(d *day, in keyIntent, info yubikey.SlotInfo, _ bool) error {
	if info.Empty {
		return fault.New(fault.Device, "import the key first with `trustroot token import`, or take the exception "+plan.ExceptionImportedRoot+" out of the plan",
			fmt.Errorf("slot %s of token %d is empty; nothing was changed", in.Slot, d.Serial))
	}
	return ask(d, stepGenerate, term.Question{
		Text: term.Sprintf("The key in slot %s of token %d was made on a host, as the plan's exception says. Nothing proves where else it is.", in.Slot, d.Serial) + withRecordKey(d),
		Yes:  "it becomes the root key; the record says that it was imported",
		No:   "the token is unchanged",
		Type: fmt.Sprint(d.Serial),
	})
}

// findRoot holds the token's key against the request's root certificate. A key
// that the plan calls imported has no attestation.
func (d *day) findRoot(context.Context) error {
	d.root, d.pub = d.Request.Root, d.Request.Root.PublicKey
	if d.Request.Plan.Allows(plan.ExceptionImportedRoot) {
		return nil
	}
	return attest(d, stepAttest, record.SlotFile, keyExpectation(rootKeyIn(d.Request.Plan), d.pub))
}

type attestResult struct {
	Slot   string `json:"slot"`   // PEM
	Device string `json:"device"` // PEM
}

// attest has the token prove what want says of a key on it, and keeps the
// proof for the record under a name.
func attest(d *day, step, name string, want attestation.Expect) error {
	got, err := once(d, step, map[string]string{"slot": want.Slot}, func(map[string]string, bool) (attestResult, error) {
		pair, err := d.device.Attest(yubikey.Slot(want.Slot))
		if err != nil {
			return attestResult{}, err
		}
		if err := checkAttestation(d.Request.Plan, d.Serial, pair.Slot, pair.Device, want, d.Roots, d.Now); err != nil {
			return attestResult{}, fmt.Errorf("the key in slot %s: %w", want.Slot, err)
		}
		s, errS := pki.EncodeCertificate(pair.Slot)
		dev, errD := pki.EncodeCertificate(pair.Device)
		return attestResult{string(s), string(dev)}, errors.Join(errS, errD)
	})
	if err != nil {
		return err
	}
	device := []byte(got.Device)
	if other, ok := d.files[record.DeviceFile]; ok && !bytes.Equal(other, device) {
		return fault.New(fault.Device, "put in the token with which this ceremony began", errors.New("the token attests its keys with another certificate than before"))
	}
	d.files[name], d.files[record.DeviceFile] = []byte(got.Slot), device
	return nil
}

// install puts the new root certificate beside its key.
func (d *day) install(context.Context) error {
	if d.Request.Root != nil {
		return nil
	}
	_, err := once(d, stepInstall, map[string]string{"slot": string(rootSlot(d))}, func(map[string]string, bool) (map[string]string, error) {
		if d.root == nil {
			return nil, errors.New("there is no root certificate to install")
		}
		return map[string]string{}, d.device.Install(rootSlot(d), d.root)
	})
	return err
}

// issuers are the certificates above an item, the nearest first.
func issuers(authority string, root *x509.Certificate) []*x509.Certificate {
	if authority == plan.RootAuthority {
		return nil
	}
	return []*x509.Certificate{root}
}
