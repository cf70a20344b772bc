package adopt_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/adopt"
	"github.com/linnemanlabs/trustroot/internal/status"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// shownToken is a token that shows a key and attests as told.
type shownToken struct {
	key  crypto.PublicKey
	pair attestation.Pair
	err  error
}

func (s shownToken) Identity() yubikey.Identity { return yubikey.Identity{Serial: 12345678} }

func (s shownToken) Slot(slot yubikey.Slot) (yubikey.SlotInfo, error) {
	return yubikey.SlotInfo{Slot: slot, Empty: s.key == nil, PublicKey: s.key, PINPolicy: "once", TouchPolicy: "cached"}, nil
}

func (s shownToken) Attest(yubikey.Slot) (attestation.Pair, error) { return s.pair, s.err }

func TestAdopt_TokenIsHeldAgainstTheRoot(t *testing.T) {
	h := newHandMade(t)
	adopted := func(token shownToken) *adopt.Adoption {
		read, err := adopt.ReadRootToken(token, adopting)
		if err != nil {
			t.Fatal(err)
		}
		o := h.answers()
		o.Token = read
		delete(o.Answers, "root-key")
		o.Answers["exception.old-firmware"], o.Answers["exception.imported-root"] = "it is what there is", "it is what there is"
		a, err := adopt.Adopt(o, adopting)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	defects := func(a *adopt.Adoption) string {
		var all []string
		for _, d := range a.Defects {
			all = append(all, d.ID+" "+d.Text)
		}
		return strings.Join(all, "\n")
	}
	a := adopted(shownToken{key: h.rootKey.Public(), err: errors.New("the key was imported")})
	if len(a.Questions) > 0 || !strings.Contains(string(a.Plan), "touch: cached") {
		t.Errorf("the token's policies are not in the plan: %v\n%s", a.Questions, a.Plan)
	}
	if text := defects(a); !strings.Contains(text, "token-unattested") || !strings.Contains(text, "the key was imported") {
		t.Errorf("defects are\n%s", text)
	}
	// an attestation that does not lead to Yubico proves nothing
	slot := attestationOf(t, h.rootKey.Public(), 5, 7, 4)
	if text := defects(adopted(shownToken{key: h.rootKey.Public(), pair: attestation.Pair{Slot: slot, Device: slot}})); !strings.Contains(text, "token-unattested") {
		t.Errorf("defects are\n%s", text)
	}
	if text := defects(adopted(shownToken{key: testpki.Key(t, elliptic.P384()).Public(), err: errors.New("no")})); !strings.Contains(text, "token-key") {
		t.Errorf("another token's key passed:\n%s", text)
	}
	if _, err := adopt.ReadRootToken(shownToken{}, adopting); err == nil {
		t.Error("an empty slot was read")
	}
}

// attestationOf says what a token of that firmware would, signed by nobody of
// importance.
func attestationOf(t *testing.T, key crypto.PublicKey, firmware ...byte) *x509.Certificate {
	t.Helper()
	serial, err := asn1.Marshal(12345678)
	if err != nil {
		t.Fatal(err)
	}
	signer := testpki.Key(t, elliptic.P256())
	extension := func(last int, value []byte) pkix.Extension {
		return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, last}, Value: value}
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "YubiKey PIV Attestation 9c"}, SerialNumber: big.NewInt(1),
		NotBefore: firstDay, NotAfter: firstDay.AddDate(50, 0, 0),
		ExtraExtensions: []pkix.Extension{extension(3, firmware), extension(7, serial), extension(8, []byte{3, 2}), extension(9, []byte{1})},
	}
	return testpki.Certify(t, template, template, key, signer)
}

func TestStatus_WarnsOfOldFirmware(t *testing.T) {
	h := newHandMade(t)
	dir := filepath.Join(t.TempDir(), "trust")
	d := h.adopt(t, dir)
	warned := func(firmware ...byte) int {
		text, err := pki.EncodeCertificate(attestationOf(t, h.rootKey.Public(), firmware...))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "authorities/root/g1/attestation/slot.pem")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := status.Read(d, t.Context(), adopting)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range s.Warnings {
			if w.Name != "token 12345678" || !strings.Contains(w.Text, "YSA-2024-03") {
				t.Errorf("warning is %+v", w)
			}
		}
		return len(s.Warnings)
	}
	if n := warned(5, 4, 3); n != 1 {
		t.Errorf("%d warnings of firmware 5.4.3", n)
	}
	if n := warned(5, 7, 4); n != 0 {
		t.Errorf("%d warnings of firmware 5.7.4", n)
	}
}
