//go:build cgo

package virtual_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"os"
	"testing"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// insert starts readers for the cards and points libpcsclite at them.
func insert(t *testing.T, cards ...*virtual.Card) *virtual.Readers {
	t.Helper()
	needs.That(t, virtual.Missing())
	readers, err := virtual.Start(t.Context(), t.TempDir(), cards...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := readers.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := os.RemoveAll(socketLink); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(readers.Socket(), socketLink); err != nil {
		t.Fatal(err)
	}
	return readers
}

func open(t *testing.T, readers *virtual.Readers, card *virtual.Card) *piv.YubiKey {
	t.Helper()
	token, err := piv.Open(readers.Name(card))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = token.Close() })
	return token
}

func TestPIVGo_ProvisionGenerateAttestSign(t *testing.T) {
	card := newCard(t, virtual.Options{Serial: 11223344})
	readers := insert(t, card)
	token := open(t, readers, card)

	if serial, err := token.Serial(); err != nil || serial != card.Serial() {
		t.Fatalf("serial %d: %v", serial, err)
	}
	if v := token.Version(); v != (piv.Version{Major: 5, Minor: 7, Patch: 4}) {
		t.Fatalf("version %v", v)
	}
	key := make([]byte, 24)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	if err := token.SetManagementKey(piv.DefaultManagementKey, key); err != nil {
		t.Fatal(err)
	}
	if err := token.SetMetadata(key, &piv.Metadata{ManagementKey: &key}); err != nil {
		t.Fatal(err)
	}
	if err := token.SetPIN(piv.DefaultPIN, "831906"); err != nil {
		t.Fatal(err)
	}
	if err := token.SetPUK(piv.DefaultPUK, "27182818"); err != nil {
		t.Fatal(err)
	}
	kept, err := token.Metadata("831906")
	if err != nil || kept.ManagementKey == nil || !bytes.Equal(*kept.ManagementKey, key) {
		t.Fatalf("metadata: %v", err)
	}
	policy := piv.Key{Algorithm: piv.AlgorithmEC384, PINPolicy: piv.PINPolicyAlways, TouchPolicy: piv.TouchPolicyAlways}
	public, err := token.GenerateKey(key, piv.SlotSignature, policy)
	if err != nil {
		t.Fatal(err)
	}
	slotCert, err := token.Attest(piv.SlotSignature)
	if err != nil {
		t.Fatal(err)
	}
	device, err := token.AttestationCertificate()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(card.AttestationRoot())
	for _, c := range card.AttestationIntermediates() {
		roots.AddCert(c)
	}
	verifier := piv.Verifier{Roots: roots}
	attested, err := verifier.Verify(device, slotCert)
	if err != nil {
		t.Fatal(err)
	}
	want := piv.Attestation{
		Version: piv.Version{Major: 5, Minor: 7, Patch: 4}, Serial: card.Serial(),
		Formfactor: piv.FormfactorUSBCKeychain, PINPolicy: piv.PINPolicyAlways,
		TouchPolicy: piv.TouchPolicyAlways, Slot: piv.SlotSignature,
	}
	if *attested != want {
		t.Errorf("attestation %+v, want %+v", *attested, want)
	}
	if !slotCert.PublicKey.(*ecdsa.PublicKey).Equal(public) {
		t.Error("the attested key is not the generated one")
	}
	signer, err := token.PrivateKey(piv.SlotSignature, public, piv.KeyAuth{PIN: "831906", PINPolicy: piv.PINPolicyAlways})
	if err != nil {
		t.Fatal(err)
	}
	before := card.Exchanges()
	digest := sha512.Sum384([]byte("to be signed"))
	signature, err := signer.(crypto.Signer).Sign(rand.Reader, digest[:], crypto.SHA384)
	if err != nil {
		t.Fatal(err)
	}
	if n := card.Exchanges() - before; n != 2 {
		t.Errorf("%d exchanges for a signature, want 2", n)
	}
	if !ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest[:], signature) {
		t.Error("the signature does not verify")
	}
}
