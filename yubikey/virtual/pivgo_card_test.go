//go:build cgo

package virtual_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// signSomething signs with a slot and checks the signature under public.
func signSomething(t *testing.T, token *piv.YubiKey, slot piv.Slot, public *ecdsa.PublicKey, auth piv.KeyAuth) error {
	t.Helper()
	key, err := token.PrivateKey(slot, public, auth)
	if err != nil {
		return err
	}
	digest := sha512.Sum384([]byte("to be signed"))
	signature, err := key.(crypto.Signer).Sign(rand.Reader, digest[:], crypto.SHA384)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Error("the signature does not verify")
	}
	return nil
}

func TestPIVGo_RetriesBlockUnblockReset(t *testing.T) {
	card := newCard(t, virtual.Options{Firmware: virtual.Firmware574})
	token := open(t, insert(t, card), card)
	if err := token.SetRetries(piv.DefaultManagementKey, piv.DefaultPIN, 5, 4); err != nil {
		t.Fatal(err)
	}
	if n, err := token.Retries(); err == nil && n != 5 {
		t.Errorf("%d tries: %v", n, err)
	}
	for left := 4; left >= 0; left-- {
		var denied piv.AuthErr
		if err := token.VerifyPIN("000000"); !errors.As(err, &denied) || denied.Retries != left {
			t.Fatalf("with %d tries to be left: %v", left, err)
		}
	}
	if err := token.VerifyPIN(piv.DefaultPIN); err == nil {
		t.Fatal("a blocked PIN was accepted")
	}
	if err := token.Unblock(piv.DefaultPUK, "831906"); err != nil {
		t.Fatal(err)
	}
	if err := token.VerifyPIN("831906"); err != nil {
		t.Fatal(err)
	}
	if err := token.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := token.VerifyPIN(piv.DefaultPIN); err != nil {
		t.Fatal(err)
	}
}

func TestPIVGo_ImportAndCertificate(t *testing.T) {
	card := newCard(t, virtual.Options{Firmware: virtual.Firmware543})
	token := open(t, insert(t, card), card)
	key := testpki.Key(t, elliptic.P384())
	policy := piv.Key{PINPolicy: piv.PINPolicyOnce, TouchPolicy: piv.TouchPolicyNever}
	if err := token.SetPrivateKeyInsecure(piv.DefaultManagementKey, piv.SlotSignature, key, policy); err != nil {
		t.Fatal(err)
	}
	info, err := token.KeyInfo(piv.SlotSignature)
	if err != nil || info.Origin != piv.OriginImported || info.Algorithm != piv.AlgorithmEC384 ||
		!key.PublicKey.Equal(info.PublicKey) {
		t.Errorf("%+v: %v", info, err)
	}
	if _, err := token.Attest(piv.SlotSignature); !errors.Is(err, piv.ErrNotFound) {
		t.Errorf("attestation of an imported key: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "imported"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<31, 0),
		// longer than one APDU takes
		ExtraExtensions: []pkix.Extension{{Id: []int{1, 3, 9999}, Value: make([]byte, 1500)}},
	}
	cert := testpki.Certify(t, template, template, &key.PublicKey, key)
	if _, err := token.Certificate(piv.SlotSignature); !errors.Is(err, piv.ErrNotFound) {
		t.Errorf("certificate of an empty object: %v", err)
	}
	if err := token.SetCertificate(piv.DefaultManagementKey, piv.SlotSignature, cert); err != nil {
		t.Fatal(err)
	}
	if stored, err := token.Certificate(piv.SlotSignature); err != nil || !stored.Equal(cert) {
		t.Errorf("stored certificate: %v", err)
	}
	if err := signSomething(t, token, piv.SlotSignature, &key.PublicKey, piv.KeyAuth{PIN: piv.DefaultPIN}); err != nil {
		t.Error(err)
	}
	form, err := token.FormFactor()
	if err != nil || form != piv.FormfactorUSBCKeychain {
		t.Errorf("form factor %v: %v", form, err)
	}
}

func TestPIVGo_TouchThatDoesNotCome(t *testing.T) {
	card := newCard(t, virtual.Options{Touch: virtual.Touch{Mode: virtual.TouchAbsent, Timeout: 50 * time.Millisecond}})
	token := open(t, insert(t, card), card)
	policy := piv.Key{Algorithm: piv.AlgorithmEC384, PINPolicy: piv.PINPolicyAlways, TouchPolicy: piv.TouchPolicyAlways}
	public, err := token.GenerateKey(piv.DefaultManagementKey, piv.SlotSignature, policy)
	if err != nil {
		t.Fatal(err)
	}
	auth := piv.KeyAuth{PIN: piv.DefaultPIN, PINPolicy: piv.PINPolicyAlways}
	var status interface{ Status() uint16 }
	err = signSomething(t, token, piv.SlotSignature, public.(*ecdsa.PublicKey), auth)
	if !errors.As(err, &status) || status.Status() != 0x6982 {
		t.Fatalf("no touch: %v", err)
	}
	card.SetTouch(virtual.Touch{})
	if err := signSomething(t, token, piv.SlotSignature, public.(*ecdsa.PublicKey), auth); err != nil {
		t.Error(err)
	}
}

func TestPIVGo_StateReload(t *testing.T) {
	state := filepath.Join(t.TempDir(), "card.json")
	card := newCard(t, virtual.Options{StateFile: state})
	readers := insert(t, card)
	token := open(t, readers, card)
	policy := piv.Key{Algorithm: piv.AlgorithmEC256, PINPolicy: piv.PINPolicyNever, TouchPolicy: piv.TouchPolicyNever}
	public, err := token.GenerateKey(piv.DefaultManagementKey, piv.SlotCardAuthentication, policy)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(token.Close(), readers.Close()); err != nil {
		t.Fatal(err)
	}
	card = newCard(t, virtual.Options{StateFile: state})
	token = open(t, insert(t, card), card)
	if err := signSomething(t, token, piv.SlotCardAuthentication, public.(*ecdsa.PublicKey), piv.KeyAuth{}); err != nil {
		t.Error(err)
	}
}

func TestPIVGo_SeveralCards(t *testing.T) {
	var cards []*virtual.Card
	for serial := range uint32(8) {
		o := virtual.Options{Serial: 100 + serial}
		if serial%2 == 1 {
			o.Firmware = virtual.Firmware543
		}
		cards = append(cards, newCard(t, o))
	}
	readers := insert(t, cards...)
	for _, card := range cards {
		token := open(t, readers, card)
		if serial, err := token.Serial(); err != nil || serial != card.Serial() {
			t.Errorf("reader %s: serial %d: %v", readers.Name(card), serial, err)
		}
	}
	before := cards[1].Exchanges()
	if err := openOnce(readers.Name(cards[0])); err == nil {
		t.Error("a card in use was opened twice")
	}
	if cards[1].Exchanges() != before {
		t.Error("another card was spoken to")
	}
}

func openOnce(reader string) error {
	token, err := piv.Open(reader)
	if err != nil {
		return err
	}
	return token.Close()
}

func TestPIVGo_RemoveAndInsert(t *testing.T) {
	card := newCard(t, virtual.Options{})
	readers := insert(t, card)
	token := open(t, readers, card)
	if err := readers.Remove(card); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Serial(); err == nil {
		t.Error("a card that was pulled answers")
	}
	if err := openOnce(readers.Name(card)); err == nil {
		t.Error("a reader without a card was opened")
	}
	_ = token.Close() // of a card that is gone
	if err := readers.Insert(card); err != nil {
		t.Fatal(err)
	}
	token = open(t, readers, card)
	if serial, err := token.Serial(); err != nil || serial != card.Serial() {
		t.Errorf("serial %d: %v", serial, err)
	}
}

// The card is pulled in GENERATE, before or after it was carried out: the
// program gets an error, and the inserted card tells which it was.
func TestPIVGo_PulledWhileGenerating(t *testing.T) {
	for _, kind := range []virtual.FaultKind{virtual.FaultRemoved, virtual.FaultAnswerLost, virtual.FaultReaderGone} {
		card := newCard(t, virtual.Options{})
		readers := insert(t, card)
		token := open(t, readers, card)
		// metadata of the management key, two exchanges to prove it, GENERATE
		card.SetFaults(virtual.Fault{At: card.Exchanges() + 4, Kind: kind})
		policy := piv.Key{Algorithm: piv.AlgorithmEC384, PINPolicy: piv.PINPolicyAlways, TouchPolicy: piv.TouchPolicyAlways}
		if _, err := token.GenerateKey(piv.DefaultManagementKey, piv.SlotSignature, policy); err == nil {
			t.Errorf("kind %d: an answer came", kind)
		}
		// what is left of the connection has no use, and closing it may fail
		_ = token.Close()
		var back error
		if kind == virtual.FaultReaderGone {
			if cards, err := piv.Cards(); err == nil && len(cards) > 0 {
				t.Errorf("the readers are still there: %v", cards)
			}
			back = readers.Restart(t.Context())
		} else {
			back = readers.Insert(card)
		}
		if back != nil {
			t.Fatal(back)
		}
		_, err := open(t, readers, card).KeyInfo(piv.SlotSignature)
		if made := err == nil; made != (kind == virtual.FaultAnswerLost) {
			t.Errorf("kind %d: key in the slot: %v (%v)", kind, made, err)
		}
	}
}

func TestPIVGo_StatusFault(t *testing.T) {
	var log bytes.Buffer
	card := newCard(t, virtual.Options{Log: &log})
	readers := insert(t, card)
	token := open(t, readers, card)
	card.SetFaults(virtual.Fault{At: card.Exchanges() + 1, Kind: virtual.FaultStatus, Status: 0x6F00})
	var status interface{ Status() uint16 }
	if _, err := token.Serial(); !errors.As(err, &status) || status.Status() != 0x6F00 {
		t.Errorf("%v", err)
	}
	if err := readers.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log.Bytes(), []byte("\t00 f8 00 00\tlc=0\tsw=6f00\t")) {
		t.Errorf("log %q", log.String())
	}
}
