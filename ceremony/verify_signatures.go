package ceremony

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

func (v *verifier) imported() bool {
	return v.Request.Plan.Allows(plan.ExceptionImportedRoot)
}

// attested proves that the plan's token holds the key that a sealed file is
// about.
func (v *verifier) attested(name string, want attestation.Expect) error {
	slot, err := onlyCertificate(v.Record.Files[name])
	if err != nil {
		return inFile(name, err)
	}
	device, err := onlyCertificate(v.Record.Files[record.DeviceFile])
	if err != nil {
		return inFile(record.DeviceFile, err)
	}
	return inFile(name, checkAttestation(v.Request.Plan, v.plan.Token, slot, device, want, v.roots, v.at))
}

// onlyCertificate reads PEM in the one form that is written here, so that no
// byte of it can be another.
func onlyCertificate(text []byte) (*x509.Certificate, error) {
	c, err := pki.ParseCertificate(text)
	if err != nil {
		return nil, err
	}
	again, err := pki.EncodeCertificate(c)
	if err == nil && !bytes.Equal(again, text) {
		err = errors.New("not PEM in the form that is written here")
	}
	return c, err
}

// rootKey proves where the root key is, in every record of a root that was
// made on its token.
func (v *verifier) rootKey() (string, error) {
	if v.imported() {
		if _, ok := v.Record.Files[record.SlotFile]; ok {
			return "", inFile(record.SlotFile, errors.New("an imported key has no attestation"))
		}
		return "", nil // nothing is claimed: people have to be believed
	}
	key := rootKeyIn(v.Request.Plan)
	err := v.attested(record.SlotFile, keyExpectation(key, v.root.PublicKey))
	return fmt.Sprintf("the attestation of token %d, slot %s, PIN %s, touch %s", v.plan.Token, key.Slot, key.PIN, key.Touch), err
}

func (v *verifier) recordKey() (string, error) {
	in := recordKeyIn(v.plan)
	err := v.attested(record.RecordSlotFile, keyExpectation(in, nil))
	return fmt.Sprintf("the attestation of token %d, slot %s, PIN %s, touch %s", v.plan.Token, in.Slot, in.PIN, in.Touch), err
}

func (v *verifier) signature() (string, error) {
	statement, err := statementOf(v.Request, v.Record.Files)
	if err != nil {
		return "", err
	}
	v.statement = statement
	slot, err := onlyCertificate(v.Record.Files[record.RecordSlotFile])
	if err != nil {
		return "", err
	}
	if err := record.CheckEnvelope(context.Background(), v.Record.Signatures[record.RecordKeyFile], statement, slot.PublicKey); err != nil {
		return "", fmt.Errorf("signatures/%s: %w", record.RecordKeyFile, err)
	}
	return fmt.Sprintf("signatures/%s, over every sealed file and the journal's last line", record.RecordKeyFile), nil
}

// witnesses checks every signature that was added later. Where there is none,
// nothing is claimed.
func (v *verifier) witnesses() (string, error) {
	var who []string
	for _, serial := range v.Record.Witnesses() {
		if err := v.witness(serial); err != nil {
			return "", err
		}
		w := Witness{Serial: serial, Name: holderOf(v.Request.Plan, serial)}
		v.Witnesses = append(v.Witnesses, w)
		who = append(who, w.String())
	}
	return strings.Join(who, ", "), nil
}

func (v *verifier) witness(serial uint32) error {
	name, slotName, deviceName := record.WitnessFiles(serial)
	slot, err := onlyCertificate(v.Record.Signatures[slotName])
	if err != nil {
		return fmt.Errorf("signatures/%s: %w", slotName, err)
	}
	device, err := onlyCertificate(v.Record.Signatures[deviceName])
	if err != nil {
		return fmt.Errorf("signatures/%s: %w", deviceName, err)
	}
	if serial == v.plan.Token {
		return fmt.Errorf("signatures/%s: the root's own token is not a witness", name)
	}
	// its validity began with the token, and a witness may sign years later
	if err := checkWitness(slot, device, serial, v.roots); err != nil {
		return fmt.Errorf("signatures/%s and %s: %w", slotName, deviceName, err)
	}
	if err := record.CheckEnvelope(context.Background(), v.Record.Signatures[name], v.statement, slot.PublicKey); err != nil {
		return fmt.Errorf("signatures/%s: %w", name, err)
	}
	return nil
}

// checkWitness proves that the token with this serial number holds the key,
// and that every use of it takes a touch.
func checkWitness(slot, device *x509.Certificate, serial uint32, roots attestation.Roots) error {
	a, err := attestation.Verify(attestation.Pair{Slot: slot, Device: device}, roots, slot.NotBefore)
	if err != nil {
		return err
	}
	if a.TouchPolicy == "never" {
		return errors.New("the key signs without a touch")
	}
	return a.Match(attestation.Expect{PublicKey: slot.PublicKey, Serial: serial})
}

// holderOf is the plan's holder with this token.
func holderOf(p *plan.Plan, serial uint32) string {
	for name, h := range p.Holders {
		if h.Token == serial {
			return name
		}
	}
	return ""
}

// String names a witness in words.
func (w Witness) String() string {
	if w.Name == "" {
		return fmt.Sprintf("token %d", w.Serial)
	}
	return fmt.Sprintf("%s (token %d)", w.Name, w.Serial)
}
