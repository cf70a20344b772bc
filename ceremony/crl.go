package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// Names of steps, as the journal has them.
const (
	stepCRL             = "issue crl"
	stepDestroy         = "destroy"
	stepAttestDestroyed = "attest destroyed"
)

type crlIntent struct {
	Number int64  `json:"number"`
	TBS    []byte `json:"tbs"` // DER, base64 in the journal
}

type crlResult struct {
	CRL []byte `json:"crl"` // DER, base64 in the journal
}

// generation is the root's.
func generation(n int) int { return max(n, 1) }

// signCRL signs the root's CRL, where the request asks for one. The request
// decides every byte, so a run that was cut signs the same again.
func (d *day) signCRL(context.Context) error {
	c := d.Request.Manifest.CRL
	if c == nil {
		return nil
	}
	prepared, err := pki.PrepareCRL(c.Spec(d.root), d.Linter)
	if err != nil {
		return err
	}
	result, err := once(d, stepCRL, crlIntent{c.Number, prepared.TBS()}, func(in crlIntent, retried bool) (crlResult, error) {
		if !bytes.Equal(in.TBS, prepared.TBS()) {
			return crlResult{}, errors.New("the journal holds another CRL than this program prepares")
		}
		if retried {
			if err := ask(d, stepCRL, again(fmt.Sprintf("CRL %d", c.Number))); err != nil {
				return crlResult{}, err
			}
		}
		signer, err := d.device.Signer(rootSlot(d), d.pub)
		if err != nil {
			return crlResult{}, err
		}
		crl, err := prepared.Issue(signer)
		if err != nil {
			return crlResult{}, err
		}
		return crlResult{crl.Raw}, nil
	})
	if err != nil {
		return err
	}
	d.files[record.CRLFile(generation(d.Request.Manifest.RootGeneration))] = result.CRL
	d.Operator.Notice(term.Sprintf("Signed CRL %d: %d revoked, next update by %s.", c.Number, len(c.Revoked), c.NextUpdate.Format("2006-01-02")))
	return nil
}

// again is the question before the same bytes are signed a second time.
func again(what string) term.Question {
	return term.Question{
		Text: "An earlier run may have signed " + what + ", and its answer was lost. The same bytes can be signed again; both attempts stay in the journal.",
		Yes:  "the same bytes are signed again and one of them leaves",
		No:   "nothing is signed; run the same command to go on later",
		Type: "again",
	}
}

// destroy makes a new key over the root's, and has the token attest that its
// slot now holds that one: the root's key is gone.
func (d *day) destroy(context.Context) error {
	if !d.Request.Manifest.Destroy {
		return nil
	}
	intent := rootKeyIn(d.Request.Plan)
	made, err := once(d, stepDestroy, intent, func(in keyIntent, retried bool) (keyResult, error) {
		info, err := d.device.Slot(yubikey.Slot(in.Slot))
		if err != nil {
			return keyResult{}, err
		}
		pub := info.PublicKey
		switch gone := !info.Empty && !attestation.SameKey(pub, d.pub); {
		case gone && !retried:
			return keyResult{}, fault.New(fault.Device, "put in the token that holds the root's key", yubikey.ErrOtherKey)
		case !gone:
			if err := ask(d, stepDestroy, term.Question{
				Text: term.Sprintf("THE ROOT'S KEY in slot %s of token %d will be destroyed: a new key is made over it. Nothing brings it back.", in.Slot, d.Serial),
				Yes:  "the key is destroyed, and the token attests the one in its place",
				No:   "the key stays; run the same command to go on later",
				Type: term.Sprintf("destroy %d", d.Serial),
			}); err != nil {
				return keyResult{}, err
			}
			if pub, err = d.device.Overwrite(yubikey.Slot(in.Slot), d.pub, yubikey.KeyOptions{Algorithm: in.Algorithm, PIN: in.PIN, Touch: in.Touch}); err != nil {
				return keyResult{}, err
			}
		}
		text, err := pki.EncodePublicKey(pub)
		return keyResult{string(text)}, err
	})
	if err != nil {
		return err
	}
	pub, err := pki.ParsePublicKey([]byte(made.PublicKey))
	if err != nil {
		return fmt.Errorf("read a key from the journal: %w", err)
	}
	return attest(d, stepAttestDestroyed, record.DestroyedFile, keyExpectation(intent, pub))
}

// crl holds the record's CRL against request and journal: the same bytes come
// out of plan and ledger again, and the root signed them.
func (v *verifier) crl() (string, error) {
	c, name := v.Request.Manifest.CRL, record.CRLFile(generation(v.Request.Manifest.RootGeneration))
	for _, file := range record.CRLs(v.Record.Files) {
		if c == nil || file != name {
			return "", inFile(file, errors.New("the request names no such CRL"))
		}
	}
	if c == nil {
		return "", nil
	}
	der := v.Record.Files[name]
	crl, err := pki.ParseCRL(der)
	if err == nil {
		_, err = pki.ReprepareCRL(crl.RawTBSRevocationList, c.Spec(v.root), v.Linter)
	}
	if err == nil {
		err = crl.CheckSignatureFrom(v.root)
	}
	var journaled crlResult
	if err == nil {
		err = decode(stepCRL, v.done[stepCRL], &journaled)
	}
	if err == nil && !bytes.Equal(journaled.CRL, der) {
		err = errors.New("the journal has another one")
	}
	if err != nil {
		return "", inFile(name, err)
	}
	v.CRL = der
	return fmt.Sprintf("CRL %d: its to-be-signed bytes, made from plan and ledger again, and the root's signature", c.Number), nil
}

// destroyed proves that the slot of the root's key holds another.
func (v *verifier) destroyed() (string, error) {
	if !v.Request.Manifest.Destroy {
		if _, ok := v.Record.Files[record.DestroyedFile]; ok {
			return "", inFile(record.DestroyedFile, errors.New("the request destroys no key"))
		}
		return "", nil
	}
	var made keyResult
	if err := decode(stepDestroy, v.done[stepDestroy], &made); err != nil {
		return "", inFile(record.Journal, err)
	}
	pub, err := pki.ParsePublicKey([]byte(made.PublicKey))
	if err == nil && pub.Equal(v.root.PublicKey) {
		err = errors.New("the key in its place is the root's")
	}
	if err != nil {
		return "", inFile(record.Journal, err)
	}
	key := rootKeyIn(v.Request.Plan)
	err = v.attested(record.DestroyedFile, keyExpectation(key, pub))
	return fmt.Sprintf("the attestation of token %d: slot %s holds a key that was made over the root's", v.plan.Token, key.Slot), err
}
