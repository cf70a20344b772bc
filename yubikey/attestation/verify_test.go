package attestation

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

func TestVerify_RealTokenOf2020(t *testing.T) {
	p := Pair{Slot: read(t, "slot-2020.pem"), Device: read(t, "device-2020.pem")}
	a, err := Verify(p, Yubico(), noon)
	if err != nil {
		t.Fatal(err)
	}
	if a.Firmware != (Version{5, 4, 3}) || a.Serial != 15732500 || a.Slot != "9a" {
		t.Errorf("got firmware %s, serial %d, slot %s", a.Firmware, a.Serial, a.Slot)
	}
	if a.PINPolicy != "once" || a.TouchPolicy != "never" || a.FormFactor != "USB-C Nano" {
		t.Errorf("got policies %s and %s, form factor %s", a.PINPolicy, a.TouchPolicy, a.FormFactor)
	}
	if a.Hierarchy != "Yubico PIV Root CA Serial 263751" || a.Rehearsal {
		t.Errorf("got hierarchy %q, rehearsal %v", a.Hierarchy, a.Rehearsal)
	}
	if !SameKey(a.PublicKey, p.Slot.PublicKey) {
		t.Error("the public key is not the slot certificate's")
	}
}

// its device certificate has no basic constraints and was issued under the U2F
// root, and its firmware states neither serial number nor form factor.
func TestVerify_RealTokenOf2018(t *testing.T) {
	p := Pair{Slot: read(t, "slot-2018.pem"), Device: read(t, "device-2018.pem")}
	a, err := Verify(p, Yubico(), noon)
	if err != nil {
		t.Fatal(err)
	}
	if a.Firmware != (Version{4, 3, 7}) || a.Serial != 0 || a.FormFactor != "unknown" {
		t.Errorf("got firmware %s, serial %d, form factor %s", a.Firmware, a.Serial, a.FormFactor)
	}
	if a.Hierarchy != "Yubico U2F Root CA Serial 457200631" {
		t.Errorf("got hierarchy %q", a.Hierarchy)
	}
	if p.Device.IsCA || p.Device.BasicConstraintsValid {
		t.Error("the caller's device certificate was changed")
	}
}

func TestVerify_OneTokensKeyAnothersDevice(t *testing.T) {
	p := Pair{Slot: read(t, "slot-2020.pem"), Device: read(t, "device-2018.pem")}
	refuses(t, p, Yubico(), noon, "signed by another device")
	p = Pair{Slot: read(t, "slot-2018.pem"), Device: read(t, "device-2020.pem")}
	refuses(t, p, Yubico(), noon, "signed by another device")
}

func TestVerify_ChangedPolicyByte(t *testing.T) {
	p := Pair{Slot: read(t, "slot-2020.pem"), Device: read(t, "device-2020.pem")}
	policy := []byte{0x83, 0xc4, 0x0a, 0x03, 0x08, 0x04, 0x02, 0x02, 0x01}
	policy[0], policy[1] = 0x82, 0xc4
	always := bytes.Clone(policy)
	always[len(always)-1] = 0x02
	p.Slot = tampered(t, p.Slot, policy, always)
	refuses(t, p, Yubico(), noon, "changed after this device signed it")
}

func TestVerify_SwappedPublicKey(t *testing.T) {
	p := Pair{Slot: read(t, "slot-2020.pem"), Device: read(t, "device-2020.pem")}
	p.Slot = tampered(t, p.Slot, p.Slot.RawSubjectPublicKeyInfo, read(t, "slot-2018.pem").RawSubjectPublicKeyInfo)
	refuses(t, p, Yubico(), noon, "changed after this device signed it")
}

func TestVerify_GeneratedUnderRehearsal(t *testing.T) {
	m := newMaker(t, testpki.RSA(t))
	key := testpki.Key(t, elliptic.P256())
	a, err := Verify(m.slot(key.Public(), nil), Rehearsal(m.Root), noon)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Rehearsal || a.Hierarchy != "REHEARSAL Attestation Root" {
		t.Errorf("got hierarchy %q, rehearsal %v", a.Hierarchy, a.Rehearsal)
	}
	want := Expect{
		PublicKey: key.Public(), Serial: 22244024, Slot: "9c",
		PINPolicy: "always", TouchPolicy: "always", MinFirmware: Version{5, 7, 0},
	}
	if err := a.Match(want); err != nil {
		t.Error(err)
	}
}

func TestVerify_RehearsalAndYubicoDoNotMix(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	p := m.slot(testpki.Key(t, elliptic.P256()).Public(), nil)
	refuses(t, p, Yubico(), noon, "does not lead to")
	p.Intermediates = []*x509.Certificate{m.Root}
	refuses(t, p, Yubico(), noon, "does not lead to")
	genuine := Pair{Slot: read(t, "slot-2020.pem"), Device: read(t, "device-2020.pem")}
	refuses(t, genuine, Rehearsal(m.Root), noon, "does not lead to")
}

func TestVerify_NoRoots(t *testing.T) {
	p := Pair{Slot: read(t, "slot-2020.pem"), Device: read(t, "device-2020.pem")}
	refuses(t, p, Roots{}, noon, "no attestation root")
	refuses(t, p, Rehearsal(nil), noon, "no attestation root")
}

func TestVerify_MissingCertificate(t *testing.T) {
	refuses(t, Pair{Device: read(t, "device-2020.pem")}, Yubico(), noon, "slot certificate is missing")
	refuses(t, Pair{Slot: read(t, "slot-2020.pem")}, Yubico(), noon, "device certificate is missing")
}

func TestVerify_OutsideValidity(t *testing.T) {
	p := Pair{Slot: read(t, "slot-2020.pem"), Device: read(t, "device-2020.pem")}
	refuses(t, p, Yubico(), time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), "slot certificate is valid from 2016-03-14")
	refuses(t, p, Yubico(), time.Date(2053, 1, 1, 0, 0, 0, 0, time.UTC), "not at 2053-01-01")
}

func TestVerify_IntermediateOfThePair(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	middleKey, middle := testpki.Key(t, elliptic.P256()), template("Attestation Intermediate")
	middle.IsCA, middle.BasicConstraintsValid = true, true
	issuer := m.sign(middle, m.Root, middleKey.Public(), m.rootKey)
	device := template("YubiKey PIV Attestation")
	device.IsCA, device.BasicConstraintsValid = true, true
	m.Device = m.sign(device, issuer, m.deviceKey.Public(), middleKey)
	p := m.slot(testpki.Key(t, elliptic.P256()).Public(), nil)
	refuses(t, p, Rehearsal(m.Root), noon, "does not lead to")
	p.Intermediates = []*x509.Certificate{nil, issuer}
	if _, err := Verify(p, Rehearsal(m.Root), noon); err != nil {
		t.Error(err)
	}
}

// a leaf of the right hierarchy must not be able to attest by itself.
func TestVerify_DeviceThatIsNoCA(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	device := template("Yubico PIV Attestation")
	device.BasicConstraintsValid = true
	m.Device = m.sign(device, m.Root, m.deviceKey.Public(), m.rootKey)
	refuses(t, m.slot(testpki.Key(t, elliptic.P256()).Public(), nil), Rehearsal(m.Root), noon, "does not lead to")
	m.Device = m.sign(template("PIV attestation without basic constraints"), m.Root, m.deviceKey.Public(), m.rootKey)
	refuses(t, m.slot(testpki.Key(t, elliptic.P256()).Public(), nil), Rehearsal(m.Root), noon, "does not lead to")
}

func TestVerify_CertificatesThatNoTokenWrites(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	pub := testpki.Key(t, elliptic.P256()).Public()
	for _, c := range []struct {
		reason string
		change func(*x509.Certificate)
	}{
		{"says that it is a CA", func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }},
		{"says that it is a CA", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }},
		{"is not one common name", func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "x"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "YubiKey PIV Attestation 9c"}}
		}},
		{"is not one common name", func(c *x509.Certificate) { c.Subject.Organization = []string{"example.com"} }},
	} {
		refuses(t, m.slot(pub, c.change), Rehearsal(m.Root), noon, c.reason)
	}
	for subject, reason := range map[string]string{"Yubico OPGP Attestation": "not of a PIV application", "": "not one common name"} {
		device := template(subject)
		device.IsCA, device.BasicConstraintsValid = true, true
		other := *m
		other.Device = m.sign(device, m.Root, m.deviceKey.Public(), m.rootKey)
		refuses(t, other.slot(pub, nil), Rehearsal(m.Root), noon, reason)
	}
}

func TestVerify_EllipticDeviceKeyCannotTellWhy(t *testing.T) {
	m, other := newMaker(t, testpki.Key(t, elliptic.P256())), newMaker(t, testpki.Key(t, elliptic.P256()))
	p := m.slot(testpki.Key(t, elliptic.P256()).Public(), nil)
	p.Device = other.Device
	refuses(t, p, Rehearsal(m.Root), noon, "did not sign this slot certificate")
}

func TestVerify_OtherIssuerName(t *testing.T) {
	m := newMaker(t, testpki.RSA(t))
	p := m.slot(testpki.Key(t, elliptic.P256()).Public(), nil)
	p.Device = m.Root
	refuses(t, p, Rehearsal(m.Root), noon, `issued by "CN=YubiKey PIV Attestation"`)
}

func TestVerify_BadExtensions(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	pub := testpki.Key(t, elliptic.P256()).Public()
	for _, c := range []struct {
		reason string
		change func(*x509.Certificate)
	}{
		{"no firmware extension", set(oidFirmware, nil)},
		{"firmware extension has 2 bytes", set(oidFirmware, []byte{5, 7})},
		{"no PIN and touch policy extension", set(oidPolicy, nil)},
		{"policy extension has 1 bytes", set(oidPolicy, []byte{3})},
		{"unknown PIN policy 0x00", set(oidPolicy, []byte{0, 2})},
		{"unknown touch policy 0x04", set(oidPolicy, []byte{3, 4})},
		{"serial number extension", set(oidSerial, []byte{0x02, 0x01, 0xff})},
		{"serial number extension", set(oidSerial, []byte{0x02, 0x05, 0x01, 0, 0, 0, 0})},
		{"serial number extension", set(oidSerial, []byte{0x02, 0x01, 0x01, 0x00})},
		{"form factor extension has 2 bytes", set(oidFormFactor, []byte{1, 1})},
		{"does not name a PIV slot", func(c *x509.Certificate) { c.Subject.CommonName = "YubiKey PIV Attestation f9" }},
		{"does not name a PIV slot", func(c *x509.Certificate) { c.Subject.CommonName = "YubiKey PIV Attestation 9C" }},
		{"does not name a PIV slot", func(c *x509.Certificate) { c.Subject.CommonName = "9c" }},
	} {
		refuses(t, m.slot(pub, c.change), Rehearsal(m.Root), noon, c.reason)
	}
}

func TestMatch_NamesEveryDifference(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	a, err := Verify(m.slot(testpki.Key(t, elliptic.P256()).Public(), nil), Rehearsal(m.Root), noon)
	if err != nil {
		t.Fatal(err)
	}
	err = a.Match(Expect{
		PublicKey: testpki.RSA(t).Public(), Serial: 7, Slot: "9a",
		PINPolicy: "once", TouchPolicy: "never", MinFirmware: Version{5, 8, 0},
	})
	if err == nil {
		t.Fatal("everything differs and nothing was said")
	}
	for _, reason := range []string{
		"public key is not the expected one", "serial number is 22244024, expected 7", "slot 9c, expected 9a",
		"PIN policy is always, expected once", "touch policy is always, expected never", "firmware is 5.7.4, expected 5.8.0",
	} {
		if !strings.Contains(err.Error(), reason) {
			t.Errorf("%q lacks %q", err, reason)
		}
	}
	if fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("exit code %d", fault.ExitCode(err))
	}
	if err := a.Match(Expect{}); err != nil {
		t.Errorf("nothing was expected, yet: %v", err)
	}
}

func TestMatch_SerialNotStated(t *testing.T) {
	a := &Attestation{Firmware: Version{4, 3, 7}}
	if err := a.Match(Expect{Serial: 5}); err == nil || !strings.Contains(err.Error(), "does not state a serial number") {
		t.Errorf("got %v", err)
	}
}

func refuses(t *testing.T, p Pair, r Roots, at time.Time, reason string) {
	t.Helper()
	a, err := Verify(p, r, at)
	if err == nil || a != nil {
		t.Errorf("accepted, expected %q", reason)
		return
	}
	if !strings.Contains(err.Error(), reason) {
		t.Errorf("got %q, expected %q", err, reason)
	}
	if fault.ExitCode(err) != int(fault.Verification) || fault.Hint(err) == "" || errors.Unwrap(err) == nil {
		t.Errorf("exit code %d, hint %q", fault.ExitCode(err), fault.Hint(err))
	}
}

func TestVerify_UnknownYubicoIntermediateIsHinted(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	middleKey, middle := testpki.Key(t, elliptic.P256()), template("Yubico PIV Attestation Z 9")
	middle.IsCA, middle.BasicConstraintsValid = true, true
	issuer := m.sign(middle, m.Root, middleKey.Public(), m.rootKey)
	device := template("YubiKey PIV Attestation")
	device.IsCA, device.BasicConstraintsValid = true, true
	m.Device = m.sign(device, issuer, m.deviceKey.Public(), middleKey)
	_, err := Verify(m.slot(testpki.Key(t, elliptic.P256()).Public(), nil), Yubico(), noon)
	if !strings.Contains(fault.Hint(err), "Yubico PIV Attestation Z 9") {
		t.Errorf("got hint %q", fault.Hint(err))
	}
}
