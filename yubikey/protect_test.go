//go:build cgo

package yubikey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"testing"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// inUse is a token as people keep one that was set up by hand: a P-384 key that
// was imported into slot 9c with its certificate, a PIN and a PUK of their own,
// and the management key given, or the factory's where it is nil.
func inUse(t *testing.T, firmware [3]byte, management []byte) (*fake, *ecdsa.PrivateKey) {
	t.Helper()
	f := plug(t, firmware)[0]
	key := testpki.Key(t, elliptic.P384())
	f.use(t, key, management)
	return f, key
}

// use erases a token and sets it up by hand.
func (f *fake) use(t *testing.T, key *ecdsa.PrivateKey, management []byte) {
	t.Helper()
	yk, err := piv.Open(f.readers.Name(f.Card))
	mustDo(t, err)
	mustDo(t, yk.Reset())
	factory := piv.DefaultManagementKey
	mustDo(t, yk.SetPrivateKeyInsecure(factory, piv.SlotSignature, key, piv.Key{PINPolicy: piv.PINPolicyAlways, TouchPolicy: piv.TouchPolicyNever, Algorithm: piv.AlgorithmEC384}))
	mustDo(t, yk.SetCertificate(factory, piv.SlotSignature, certify(t, &key.PublicKey, "Root CA")))
	mustDo(t, yk.SetPIN(piv.DefaultPIN, testPIN))
	mustDo(t, yk.SetPUK(piv.DefaultPUK, testPUK))
	if management != nil {
		mustDo(t, yk.SetManagementKey(factory, management))
	}
	mustDo(t, yk.Close())
}

// ready proves that a token can hold a ceremony and still has its key.
func (f *fake) ready(t *testing.T, pin string, key *ecdsa.PrivateKey) {
	t.Helper()
	token := f.open(t, &asker{pins: []string{pin}})
	signer, err := token.Signer("9c", &key.PublicKey)
	mustDo(t, err)
	digest := sha512.Sum384([]byte("text"))
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA384)
	mustDo(t, err)
	if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
		t.Error("the signature is not of the key")
	}
	mustDo(t, token.Install("95", certify(t, &key.PublicKey, "a note")))
	c, err := token.Certificate("9c")
	if err != nil || c.Subject.CommonName != "Root CA" {
		t.Errorf("slot 9c holds the certificate %v, %v", c, err)
	}
	mustDo(t, token.Close())
}

func nobody() ([]byte, error) { return nil, errors.New("the old key was asked for") }

func TestProtect_FactoryKey(t *testing.T) {
	for _, firmware := range [][3]byte{virtual.Firmware543, virtual.Firmware574} {
		f, key := inUse(t, firmware, nil)
		token := f.open(t, right())
		refused(t, token.Install("95", certify(t, &key.PublicKey, "a note")), ErrNotReady, "not kept behind the PIN")
		already, err := token.Protect(nobody)
		if err != nil || already {
			t.Fatalf("%v: %v, %v", firmware, already, err)
		}
		mustDo(t, token.Close())
		if f.publishedKey(t) {
			t.Error("the management key is still the factory's")
		}
		f.ready(t, testPIN, key)
		token = f.open(t, right())
		if already, err = token.Protect(nobody); err != nil || !already {
			t.Errorf("again: %v, %v", already, err)
		}
		mustDo(t, token.Close())
	}
}

func TestProtect_KeyOnPaper(t *testing.T) {
	paper := []byte("abcdefghijklmnopqrstuvwx")
	f, key := inUse(t, virtual.Firmware543, paper)
	token := f.open(t, right())
	_, err := token.Protect(func() ([]byte, error) { return []byte("zbcdefghijklmnopqrstuvwx"), nil })
	refused(t, err, ErrManagementKey)
	_, err = token.Protect(func() ([]byte, error) { return []byte("short"), nil })
	refused(t, err, ErrManagementKey)
	if _, err = token.Protect(func() ([]byte, error) { return append([]byte(nil), paper...), nil }); err != nil {
		t.Fatal(err)
	}
	mustDo(t, token.Close())
	f.ready(t, testPIN, key)
}

// Pulled out at any exchange, the next run resumes, and the token never loses
// the management key in force.
func TestProtect_PulledAnywhere(t *testing.T) {
	needs.Time(t)
	f, key := inUse(t, virtual.Firmware543, nil)
	protect := func() error {
		return f.once(t, func(token *Token) error { _, err := token.Protect(nobody); return err })
	}
	pulled(t, f, func() { f.use(t, key, nil) }, protect, func(n int) {
		if err := protect(); err != nil {
			t.Errorf("after exchange %d: %v", n, err)
		}
		f.ready(t, testPIN, key)
	})
}

func TestProtect_FactoryPIN(t *testing.T) {
	f := plugOne(t)
	f.since()
	token := f.open(t, right())
	_, err := token.Protect(nobody)
	refused(t, err, ErrNotReady, "factory's")
	mustDo(t, token.ChangePIN([]byte(piv.DefaultPIN), []byte(testPIN)))
	if _, err := token.Protect(nobody); err != nil {
		t.Error(err)
	}
}

func TestSetRetries_BlockedPUK(t *testing.T) {
	f, key := inUse(t, virtual.Firmware543, nil)
	token := f.open(t, right())
	if _, err := token.Protect(nobody); err != nil {
		t.Fatal(err)
	}
	for {
		err := token.Unblock([]byte("91827360"), []byte("384757"))
		var auth *AuthError
		if !errors.As(err, &auth) {
			t.Fatal(err)
		}
		if auth.Retries == 0 {
			contains(t, err, "blocked")
			break
		}
		token.prompter = &confirmer{asker: right()}
	}
	o := options()
	o.PIN, o.PUK, o.PINRetries, o.PUKRetries = []byte(testPIN), []byte("55443322"), 7, 9
	mustDo(t, token.SetRetries(o))
	info, err := token.Info()
	mustDo(t, err)
	if info.PINRetries != 7 || info.PUKRetries != 9 {
		t.Errorf("tries are %d and %d", info.PINRetries, info.PUKRetries)
	}
	mustDo(t, token.Unblock([]byte("55443322"), []byte("384757")))
	mustDo(t, token.Close())
	f.ready(t, "384757", key)
}
