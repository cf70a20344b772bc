package pki_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

func prepareRoot(t *testing.T) (pki.Spec, *pki.Prepared) {
	t.Helper()
	spec := newSpec(t, pki.ProfileRoot, "Root CA", nil)
	prepared, err := pki.Prepare(spec, nil, linter)
	if err != nil {
		t.Fatal(err)
	}
	return spec, prepared
}

func TestIssue_Once(t *testing.T) {
	_, prepared := prepareRoot(t)
	key := testpki.FixedKey(t, elliptic.P384(), "Root CA")
	certificate, err := prepared.Issue(key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(certificate.RawTBSCertificate, prepared.TBS()) {
		t.Error("the certificate does not hold the prepared bytes")
	}
	if certificate.SerialNumber.Cmp(prepared.Draft().SerialNumber) != 0 {
		t.Error("the certificate has another serial number")
	}
	if _, err := prepared.Issue(key); !errors.Is(err, pki.ErrUsed) {
		t.Errorf("issued twice: %v", err)
	}
}

func TestIssue_RefusesAnotherKeyAndDoesNotCountIt(t *testing.T) {
	_, prepared := prepareRoot(t)
	if _, err := prepared.Issue(testpki.FixedKey(t, elliptic.P384(), "somebody else")); err == nil || !strings.Contains(err.Error(), "nothing was signed") {
		t.Errorf("got %v", err)
	}
	if _, err := prepared.Issue(nil); err == nil {
		t.Error("issued without a signer")
	}
	if _, err := prepared.Issue(testpki.FixedKey(t, elliptic.P384(), "Root CA")); err != nil {
		t.Error(err)
	}
}

// strangeSigner has the right public key and answers as told.
type strangeSigner struct {
	public crypto.PublicKey
	sign   func(digest []byte) ([]byte, error)
}

func (s strangeSigner) Public() crypto.PublicKey { return s.public }
func (s strangeSigner) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return s.sign(digest)
}

func TestIssue_RefusesWrongSignatures(t *testing.T) {
	right, wrong := testpki.FixedKey(t, elliptic.P384(), "Root CA"), testpki.FixedKey(t, elliptic.P384(), "somebody else")
	for name, sign := range map[string]func([]byte) ([]byte, error){
		"another key":   func(d []byte) ([]byte, error) { return wrong.Sign(nil, d, crypto.SHA384) },
		"another text":  func(d []byte) ([]byte, error) { return right.Sign(nil, bytes.Repeat([]byte{1}, len(d)), crypto.SHA384) },
		"nothing":       func([]byte) ([]byte, error) { return nil, nil },
		"trailing byte": func(d []byte) ([]byte, error) { s, err := right.Sign(nil, d, crypto.SHA384); return append(s, 0), err },
	} {
		_, prepared := prepareRoot(t)
		certificate, err := prepared.Issue(strangeSigner{right.Public(), sign})
		if err == nil || certificate != nil {
			t.Errorf("a signature of %s was accepted", name)
		}
	}
}

func TestIssue_AFailedSignatureUsesThePrepared(t *testing.T) {
	_, prepared := prepareRoot(t)
	key := testpki.FixedKey(t, elliptic.P384(), "Root CA")
	touch := errors.New("touch timed out")
	_, err := prepared.Issue(strangeSigner{key.Public(), func([]byte) ([]byte, error) { return nil, touch }})
	if !errors.Is(err, touch) {
		t.Errorf("got %v", err)
	}
	if _, err := prepared.Issue(key); !errors.Is(err, pki.ErrUsed) {
		t.Errorf("got %v", err)
	}
}

// lateLinter finds fault with what a real key signed.
type lateLinter struct{ calls int }

func (l *lateLinter) Lint(*x509.Certificate, []*x509.Certificate) error {
	if l.calls++; l.calls > 1 {
		return errors.New("it is ugly now")
	}
	return nil
}

func TestIssue_LintsAgain(t *testing.T) {
	prepared, err := pki.Prepare(newSpec(t, pki.ProfileRoot, "Root CA", nil), nil, &lateLinter{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prepared.Issue(testpki.FixedKey(t, elliptic.P384(), "Root CA")); err == nil || !strings.Contains(err.Error(), "ugly now") {
		t.Errorf("got %v", err)
	}
}

func TestReprepare_SameBytesOnly(t *testing.T) {
	spec, prepared := prepareRoot(t)
	again, err := pki.Reprepare(prepared.TBS(), spec, nil, linter)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.TBS(), prepared.TBS()) {
		t.Error("prepared other bytes")
	}
	tbs := prepared.TBS()
	tbs[len(tbs)-1] ^= 1
	if _, err := pki.Reprepare(tbs, spec, nil, linter); err == nil {
		t.Error("other bytes were accepted")
	}
	spec.NotAfter = spec.NotAfter.Add(-time.Hour)
	if _, err := pki.Reprepare(prepared.TBS(), spec, nil, linter); err == nil {
		t.Error("another plan was accepted")
	}
}

func TestPrepared_DraftVerifiesNowhere(t *testing.T) {
	_, prepared := prepareRoot(t)
	draft := prepared.Draft()
	if err := draft.CheckSignature(draft.SignatureAlgorithm, draft.RawTBSCertificate, draft.Signature); err == nil {
		t.Error("the draft is signed by the root's own key")
	}
}

func TestPrepared_ChangingTheDraftChangesNothing(t *testing.T) {
	_, prepared := prepareRoot(t)
	before := prepared.TBS()
	clear(prepared.Draft().Raw)
	if !bytes.Equal(prepared.TBS(), before) {
		t.Error("the prepared bytes can be changed from outside")
	}
	if _, err := prepared.Issue(testpki.FixedKey(t, elliptic.P384(), "Root CA")); err != nil {
		t.Error(err)
	}
}
