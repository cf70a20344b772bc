//go:build cgo

package yubikey

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// signs checks one signature.
func signs(t *testing.T, token *Token, s Slot, pub crypto.PublicKey) {
	t.Helper()
	signer, err := token.Signer(s, pub)
	mustDo(t, err)
	mustDo(t, signOnce(signer))
}

func signOnce(signer crypto.Signer) error {
	key := signer.Public().(*ecdsa.PublicKey)
	if key.Curve == elliptic.P384() {
		digest := sha512.Sum384([]byte("a certificate"))
		sig, err := signer.Sign(rand.Reader, digest[:], crypto.SHA384)
		if err == nil && !ecdsa.VerifyASN1(key, digest[:], sig) {
			err = errors.New("the signature does not verify")
		}
		return err
	}
	digest := sha256.Sum256([]byte("a record"))
	sig, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err == nil && !ecdsa.VerifyASN1(key, digest[:], sig) {
		err = errors.New("the signature does not verify")
	}
	return err
}

// public reads a slot's public key in a session of its own.
func (f *fake) public(t *testing.T, s Slot) crypto.PublicKey {
	t.Helper()
	token := f.open(t, nil)
	info, err := token.Slot(s)
	mustDo(t, err)
	mustDo(t, token.Close())
	f.since()
	return info.PublicKey
}

// SELECT, VERSION, SERIAL, the attestation (one exchange and what its bytes
// need), the tries left, VERIFY, the signature; then VERIFY and the signature.
func TestSigner_Exchanges(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	token := f.open(t, right())
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	mustDo(t, signOnce(signer))
	got := strings.Fields(f.since())
	bytes := slices.DeleteFunc(slices.Clone(got), func(ins string) bool { return ins != "f9" && ins != "c0" })
	rest := slices.DeleteFunc(slices.Clone(got), func(ins string) bool { return ins == "f9" || ins == "c0" })
	if strings.Join(rest, " ") != "a4 fd f8 20 20 87" || len(bytes) > 5 {
		t.Errorf("first signature: % s", got)
	}
	for range 3 {
		mustDo(t, signOnce(signer))
		if got := f.since(); got != "20 87" {
			t.Errorf("further signature: %s", got)
		}
	}
}

// what the session knows of the slot already is not asked again.
func TestSigner_KnownSlotCostsNothing(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	token := f.open(t, right())
	_, err := token.Attest("9c")
	mustDo(t, err)
	f.since()
	_, err = token.Signer("9c", pub)
	mustDo(t, err)
	if got := f.since(); got != "" {
		t.Errorf("asked again: %s", got)
	}
}

func TestSigner_NoPINWhereThePolicyWantsNone(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9e", KeyOptions{Algorithm: "P-256", PIN: "never", Touch: "never"})
	pub := f.public(t, "9e")
	a := &asker{}
	token := f.open(t, a)
	signer, err := token.Signer("9e", pub)
	mustDo(t, err)
	f.since()
	mustDo(t, signOnce(signer))
	if got := f.since(); got != "87" || len(a.asked) != 0 || len(a.touches) != 0 {
		t.Errorf("sent %s, asked %v, touches %v", got, a.asked, a.touches)
	}
}

func TestSigner_OneQuestionASession(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	a := right()
	token := f.open(t, a)
	pub, err := token.Generate("9a", recordKey)
	mustDo(t, err)
	signs(t, token, "9a", pub)
	root, err := token.Slot("9c")
	mustDo(t, err)
	signs(t, token, "9c", root.PublicKey)
	signs(t, token, "9a", pub)
	if !slices.Equal(a.asked, []int{5}) {
		t.Errorf("asked with %v tries left", a.asked)
	}
}

func TestSigner_OtherKey(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	token := f.open(t, right())
	other := testpki.Key(t, elliptic.P384())
	_, err := token.Signer("9c", other.Public())
	refused(t, err, ErrOtherKey, "9c")
	_, err = token.Signer("9a", other.Public())
	refused(t, err, ErrSlotEmpty, "9a")
	if sent := f.since(); strings.Contains(sent, "20") {
		t.Errorf("a PIN was sent: %s", sent)
	}
	rsaKey := testpki.RSA(t)
	_, err = token.Signer("9c", rsaKey.Public())
	contains(t, err, "only ECDSA")
}

func TestSigner_DigestOfAnotherLength(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	token := f.open(t, right())
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	_, err = signer.Sign(rand.Reader, make([]byte, 32), crypto.SHA384)
	contains(t, err, "32 bytes")
}

func TestSigner_TouchIsShownWhileTheTokenWaits(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	a := right()
	a.onTouch = func() { time.AfterFunc(100*time.Millisecond, f.Press) }
	f.SetTouch(virtual.Touch{Mode: virtual.TouchAbsent, Timeout: 10 * time.Second})
	token := f.open(t, a)
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	for range 2 {
		mustDo(t, signOnce(signer))
	}
	if !slices.Equal(a.touches, []bool{true, false, true, false}) {
		t.Errorf("touches %v", a.touches)
	}
}

func TestSigner_TouchThatDoesNotComeMayBeTriedAgain(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	a := right()
	f.SetTouch(virtual.Touch{Mode: virtual.TouchAbsent, Timeout: 200 * time.Millisecond})
	token := f.open(t, a)
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	refused(t, signOnce(signer), ErrTouch, "9c")
	f.SetTouch(virtual.Touch{})
	f.since()
	mustDo(t, signOnce(signer))
	if got := f.since(); got != "20 87" || len(a.asked) != 1 || !slices.Equal(a.touches, []bool{true, false, true, false}) {
		t.Errorf("sent %s, asked %v, touches %v", got, a.asked, a.touches)
	}
}

// a cached touch that still counts is not asked for.
func TestSigner_CachedTouch(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9a", KeyOptions{Algorithm: "P-256", PIN: "once", Touch: "cached"})
	pub := f.public(t, "9a")
	a := right()
	f.SetTouch(virtual.Touch{Mode: virtual.TouchDelayed, Delay: cachedTouch + 300*time.Millisecond})
	token := f.open(t, a)
	signer, err := token.Signer("9a", pub)
	mustDo(t, err)
	mustDo(t, signOnce(signer))
	if !slices.Equal(a.touches, []bool{true, false}) {
		t.Errorf("touches %v", a.touches)
	}
	mustDo(t, signOnce(signer))
	if !slices.Equal(a.touches, []bool{true, false}) {
		t.Errorf("touches after a cached one %v", a.touches)
	}
}

func TestSigner_EndOfTheContextEndsTheWait(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	ctx, cancel := context.WithCancel(t.Context())
	a := right()
	a.onTouch = func() { time.AfterFunc(100*time.Millisecond, cancel) }
	f.SetTouch(virtual.Touch{Mode: virtual.TouchAbsent, Timeout: 3 * time.Second})
	token, err := Open(ctx, f.Serial(), a)
	mustDo(t, err)
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	began := time.Now()
	if err := signOnce(signer); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	if !slices.Equal(a.touches, []bool{true, false}) {
		t.Errorf("touches %v", a.touches)
	}
	mustDo(t, token.Close())
	refused(t, signOnce(signer), ErrClosed)
}
