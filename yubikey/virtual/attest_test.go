package virtual

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// attested makes a key in the slot and returns its attestation.
func attested(t *testing.T, c *Card, slot byte, pin pinPolicy, touch touchPolicy) *x509.Certificate {
	t.Helper()
	generateKey(t, c, slot, algP384, pin, touch)
	return testpki.Parse(t, send(t, c, swOK, "00F9"+hex.EncodeToString([]byte{slot})+"0000"))
}

// chainTo verifies under the card's root with the given intermediates.
func chainTo(c *Card, cert *x509.Certificate, intermediates ...*x509.Certificate) error {
	roots, pool := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(c.AttestationRoot())
	for _, i := range intermediates {
		pool.AddCert(i)
	}
	_, err := cert.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}

func extension(cert *x509.Certificate, id asn1.ObjectIdentifier) string {
	for _, e := range cert.Extensions {
		if e.Id.Equal(id) {
			return hex.EncodeToString(e.Value)
		}
	}
	return "missing"
}

func TestAttest_Extensions(t *testing.T) {
	c := fresh(t, Options{Serial: 0xF0112233, Firmware: Firmware574})
	cert := attested(t, c, slotSignature, pinAlways, touchAlways)
	for name, pair := range map[string][2]string{
		"subject":     {cert.Subject.String(), "CN=YubiKey PIV Attestation 9c"},
		"firmware":    {extension(cert, oidFirmware), "050704"},
		"serial":      {extension(cert, oidSerial), "020500f0112233"},
		"policy":      {extension(cert, oidPolicy), "0302"},
		"form factor": {extension(cert, oidFormFactor), "03"},
		"f9 firmware": {extension(c.state.attestation.device, oidFirmware), "050704"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %s, want %s", name, pair[0], pair[1])
		}
	}
	if !cert.PublicKey.(interface{ Equal(x crypto.PublicKey) bool }).Equal(publicOf(c.state.Keys[slotSignature].private)) {
		t.Error("the attested key is another")
	}
}

func TestAttest_OldHierarchy(t *testing.T) {
	c := fresh(t, Options{Firmware: Firmware543})
	cert := attested(t, c, slotFirstRetired, pinOnce, touchNever)
	if n := len(c.AttestationIntermediates()); n != 0 {
		t.Errorf("%d intermediates", n)
	}
	if err := chainTo(c, cert, c.state.attestation.device); err != nil {
		t.Error(err)
	}
	if err := chainTo(c, cert); err == nil {
		t.Error("the slot's certificate chains to the root without f9")
	}
}

func TestAttest_NewHierarchy(t *testing.T) {
	c := fresh(t, Options{Firmware: Firmware574})
	cert := attested(t, c, slotSignature, pinAlways, touchAlways)
	between := c.AttestationIntermediates()
	if len(between) != 2 {
		t.Fatalf("%d intermediates, want 2", len(between))
	}
	for i, want := range []int{2, 1} {
		if !between[i].IsCA || between[i].MaxPathLen != want {
			t.Errorf("intermediate %d: path length %d, want %d", i, between[i].MaxPathLen, want)
		}
	}
	device := c.state.attestation.device
	if device.MaxPathLen != 0 || !device.MaxPathLenZero {
		t.Errorf("f9: path length %d", device.MaxPathLen)
	}
	if err := chainTo(c, cert, append(between, device)...); err != nil {
		t.Error(err)
	}
	if err := chainTo(c, cert, device); err == nil {
		t.Error("f9 chains to the root without the intermediates")
	}
	for _, c := range append(between, c.AttestationRoot()) {
		if !strings.HasPrefix(c.Subject.CommonName, "trustroot rehearsal ") {
			t.Errorf("%s does not say that it is for rehearsals", c.Subject)
		}
	}
	if !strings.HasPrefix(c.AttestationRoot().Subject.CommonName, "trustroot rehearsal attestation root ") {
		t.Errorf("root: %s", c.AttestationRoot().Subject)
	}
}

func TestAttest_Refuses(t *testing.T) {
	c := fresh(t, Options{})
	send(t, c, swWrongData, "00F99C0000") // empty
	send(t, c, swWrongData, "00F9F90000") // the token's own
	send(t, c, swWrongData, "00F9010000") // no slot
	send(t, c, swWrongP1P2, "00F99C0100")
}

func TestAttest_RootsDiffer(t *testing.T) {
	a, b := fresh(t, Options{}), fresh(t, Options{})
	if a.AttestationRoot().Equal(b.AttestationRoot()) {
		t.Error("two cards share a root")
	}
	if a.AttestationRoot().Subject.String() == b.AttestationRoot().Subject.String() {
		t.Error("two roots share a name")
	}
}

func TestAttest_SiblingsShareTheirRoot(t *testing.T) {
	for _, f := range [][3]byte{Firmware543, Firmware574} {
		first := fresh(t, Options{Firmware: f})
		second := fresh(t, Options{Firmware: f, Sibling: first})
		if first.Serial() == second.Serial() {
			t.Fatal("one serial number for two cards")
		}
		cert := attested(t, second, slotSignature, pinAlways, touchAlways)
		pool := append(first.AttestationIntermediates(), second.state.attestation.device)
		if err := chainTo(first, cert, pool...); err != nil {
			t.Errorf("firmware %s under the first card's root: %v", firmware(f), err)
		}
		if first.state.attestation.key.Equal(second.state.attestation.key) {
			t.Errorf("firmware %s: two cards with one attestation key", firmware(f))
		}
	}
}

func TestAttest_NoSiblingOfAnotherHierarchyOrALoadedCard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.json")
	fresh(t, Options{StateFile: path})
	for name, o := range map[string]Options{
		"is gone":           {Sibling: fresh(t, Options{StateFile: path})},
		"another hierarchy": {Sibling: fresh(t, Options{Firmware: Firmware543}), Firmware: Firmware574},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}
