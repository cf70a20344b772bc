//go:build cgo

package yubikey

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// certify makes a certificate for any public key.
func certify(t *testing.T, pub crypto.PublicKey, cn string) *x509.Certificate {
	t.Helper()
	issuer := testpki.Key(t, elliptic.P256())
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: cn},
		NotBefore: judged, NotAfter: judged.Add(time.Hour),
	}
	return testpki.Certify(t, c, c, pub, issuer)
}

func TestGenerate_RefusesASlotInUse(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	token := f.open(t, right())
	_, err := token.Generate("9c", rootKey)
	refused(t, err, ErrSlotInUse, "P-384", "generated")
	key := testpki.Key(t, elliptic.P384())
	refused(t, token.Import("9c", rootKey, key), ErrSlotInUse)
	mustDo(t, token.Install("82", certify(t, pub, "a note")))
	_, err = token.Generate("82", recordKey)
	refused(t, err, ErrSlotInUse, "a note")
	mustDo(t, token.Close())
	if !attestation.SameKey(f.public(t, "9c"), pub) {
		t.Error("the key has changed")
	}
}

func TestGenerate_Options(t *testing.T) {
	f := plugOne(t)
	token := f.open(t, right())
	f.since()
	_, err := token.Generate("9c", KeyOptions{Algorithm: "P-521", PIN: "sometimes", Touch: ""})
	contains(t, err, "P-521", "sometimes", `touch policy ""`)
	_, unknown := token.Generate("f9", rootKey)
	contains(t, unknown, `"f9"`)
	if fault.ExitCode(err) != int(fault.Usage) || fault.ExitCode(unknown) != int(fault.Usage) {
		t.Errorf("exit codes %d and %d", fault.ExitCode(err), fault.ExitCode(unknown))
	}
	if sent := f.since(); sent != "" {
		t.Errorf("sent %s", sent)
	}
}

func TestGenerate_NotProvisioned(t *testing.T) {
	f := plugOne(t)
	token := f.open(t, &asker{pins: []string{"572910"}})
	_, err := token.Generate("9c", rootKey)
	refused(t, err, ErrLastTry, "nothing was sent") // of the factory's three tries
}

func TestSlot_AfterGenerateAndInstall(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	token := f.open(t, right())
	info, err := token.Slot("9c")
	mustDo(t, err)
	if info.Empty || info.Algorithm != "P-384" || info.Origin != Generated || info.PINPolicy != "always" || info.TouchPolicy != "always" || info.Certificate != nil {
		t.Errorf("got %+v", info)
	}
	c := certify(t, info.PublicKey, "root")
	mustDo(t, token.Install("9c", c))
	info, err = token.Slot("9c")
	mustDo(t, err)
	if !info.Certificate.Equal(c) {
		t.Error("another certificate came back")
	}
	empty, err := token.Slot("9a")
	mustDo(t, err)
	if !empty.Empty || empty.PublicKey != nil {
		t.Errorf("got %+v", empty)
	}
	_, err = token.Certificate("9a")
	if !errors.Is(err, ErrNoCertificate) {
		t.Errorf("got %v", err)
	}
}

func TestInstall_Rules(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	token := f.open(t, right())
	other := testpki.Key(t, elliptic.P384())
	c := certify(t, other.Public(), "someone else")
	refused(t, token.Install("9c", c), ErrOtherKey, "someone else")
	refused(t, token.Install("9a", c), ErrSlotEmpty)
	if err := token.Install("9c", nil); err == nil {
		t.Error("installed nothing")
	}
	for _, s := range []Slot{"82", "95"} {
		mustDo(t, token.Install(s, c))
		again := certify(t, other.Public(), "the next one")
		mustDo(t, token.Install(s, again))
		got, err := token.Certificate(s)
		mustDo(t, err)
		if !got.Equal(again) {
			t.Errorf("slot %s holds %s", s, got.Subject)
		}
	}
}

func TestImport_IntoTwoTokens(t *testing.T) {
	key := testpki.Key(t, elliptic.P384())
	for _, f := range plug(t, virtual.Firmware574, virtual.Firmware543) {
		f.provision(t)
		token := f.open(t, right())
		mustDo(t, token.Import("9c", KeyOptions{PIN: "always", Touch: "always"}, key))
		signs(t, token, "9c", key.Public())
		mustDo(t, token.Close())
		token = f.open(t, right())
		signs(t, token, "9c", key.Public())
		info, err := token.Slot("9c")
		mustDo(t, err)
		if info.Origin != Imported || info.Algorithm != "P-384" || !attestation.SameKey(info.PublicKey, key.Public()) {
			t.Errorf("got %+v", info)
		}
		_, err = token.Attest("9c")
		contains(t, err, "imported")
		if fault.Hint(err) == "" {
			t.Error("no hint")
		}
		mustDo(t, token.Close())
	}
}

func TestImport_AlgorithmMustMatch(t *testing.T) {
	f := plugOne(t)
	token := f.open(t, right())
	key := testpki.Key(t, elliptic.P256())
	contains(t, token.Import("9c", rootKey, key), "is P-256, expected P-384")
	key = testpki.Key(t, elliptic.P521())
	contains(t, token.Import("9c", KeyOptions{PIN: "once", Touch: "never"}, key), "P-521")
	contains(t, token.Import("9c", rootKey, nil), "no key")
}

func TestAttest_EmptySlot(t *testing.T) {
	f := plugOne(t)
	_, err := f.open(t, nil).Attest("9c")
	refused(t, err, ErrSlotEmpty, "9c")
}

// firmware below 5.3 does not describe keys: attestations answer instead.
func TestSlot_OldFirmware(t *testing.T) {
	f := plug(t, [3]byte{5, 2, 7})[0]
	token := f.open(t, right())
	mustDo(t, token.Reset())
	mustDo(t, token.Provision(options()))
	pub, err := token.Generate("9c", rootKey)
	mustDo(t, err)
	mustDo(t, token.Close())

	token = f.open(t, right())
	info, err := token.Slot("9c")
	mustDo(t, err)
	if info.Empty || info.Origin != Generated || info.PINPolicy != "always" || !attestation.SameKey(info.PublicKey, pub) {
		t.Errorf("got %+v", info)
	}
	signs(t, token, "9c", pub)
	key := testpki.Key(t, elliptic.P256())
	mustDo(t, token.Import("9a", recordKey, key))
	mustDo(t, token.Install("9a", certify(t, key.Public(), "imported")))
	mustDo(t, token.Close())

	token = f.open(t, right())
	info, err = token.Slot("9a")
	mustDo(t, err)
	if info.Empty || info.Origin != OriginUnknown || info.PublicKey != nil || info.Algorithm != "P-256" {
		t.Errorf("got %+v", info)
	}
	_, err = token.Generate("9a", recordKey)
	refused(t, err, ErrSlotInUse)
}
