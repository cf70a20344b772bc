//go:build cgo

package attestation

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"testing"
	"time"

	"github.com/go-piv/piv-go/v2/piv"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

var (
	pivPIN = map[piv.PINPolicy]string{
		piv.PINPolicyNever: "never", piv.PINPolicyOnce: "once", piv.PINPolicyAlways: "always",
		piv.PINPolicyMatchOnce: "match-once", piv.PINPolicyMatchAlways: "match-always",
	}
	pivTouch = map[piv.TouchPolicy]string{
		piv.TouchPolicyNever: "never", piv.TouchPolicyAlways: "always", piv.TouchPolicyCached: "cached",
	}
)

// theirs is piv-go's verdict. It judges by the system clock and changes the
// device certificate, so it gets one of its own.
func theirs(t *testing.T, p Pair, root *x509.Certificate) (*piv.Attestation, error) {
	t.Helper()
	device := testpki.Parse(t, p.Device.Raw)
	v := piv.Verifier{}
	if root != nil {
		v.Roots = x509.NewCertPool()
		v.Roots.AddCert(root)
	}
	return v.Verify(device, p.Slot)
}

// agree holds our verdict against piv-go's.
func agree(t *testing.T, name string, p Pair, root *x509.Certificate) {
	t.Helper()
	roots := Yubico()
	if root != nil {
		roots = Rehearsal(root)
	}
	ours, err := Verify(p, roots, time.Now())
	their, theirErr := theirs(t, p, root)
	if (err == nil) != (theirErr == nil) {
		t.Errorf("%s: ours says %v, piv-go says %v", name, err, theirErr)
		return
	}
	if err != nil {
		return
	}
	if ours.Serial != their.Serial || ours.Slot != their.Slot.String() ||
		int(ours.Firmware[0]) != their.Version.Major || int(ours.Firmware[1]) != their.Version.Minor || int(ours.Firmware[2]) != their.Version.Patch {
		t.Errorf("%s: ours %+v, piv-go's %+v", name, ours, their)
	}
	if ours.PINPolicy != pivPIN[their.PINPolicy] || ours.TouchPolicy != pivTouch[their.TouchPolicy] {
		t.Errorf("%s: ours %s and %s, piv-go's %+v", name, ours.PINPolicy, ours.TouchPolicy, their)
	}
	if their.Formfactor != 0 && ours.FormFactor != their.Formfactor.String() {
		t.Errorf("%s: ours %s, piv-go's %s", name, ours.FormFactor, their.Formfactor)
	}
}

func TestVerify_AgreesWithPIVGoOnRealTokens(t *testing.T) {
	years := []string{"2018", "2020"}
	for _, slot := range years {
		for _, device := range years {
			p := Pair{Slot: read(t, "slot-"+slot+".pem"), Device: read(t, "device-"+device+".pem")}
			agree(t, slot+" under "+device, p, nil)
		}
	}
}

func TestVerify_AgreesWithPIVGoOnGenerated(t *testing.T) {
	pub := testpki.Key(t, elliptic.P256()).Public()
	for _, key := range []crypto.Signer{testpki.RSA(t), testpki.Key(t, elliptic.P256())} {
		m, other := newMaker(t, key), newMaker(t, testpki.Key(t, elliptic.P256()))
		agree(t, "as made", m.slot(pub, nil), m.Root)
		agree(t, "without a serial number", m.slot(pub, set(oidSerial, nil)), m.Root)
		for pin := byte(0); pin < 7; pin++ {
			for touch := byte(0); touch < 5; touch++ {
				agree(t, "policies", m.slot(pub, set(oidPolicy, []byte{pin, touch})), m.Root)
			}
		}
		for form := byte(1); form < 6; form++ {
			agree(t, "form factor", m.slot(pub, set(oidFormFactor, []byte{form})), m.Root)
			agree(t, "form factor FIPS", m.slot(pub, set(oidFormFactor, []byte{form | 0x80})), m.Root)
		}
		agree(t, "bad firmware", m.slot(pub, set(oidFirmware, []byte{5})), m.Root)
		agree(t, "bad serial number", m.slot(pub, set(oidSerial, []byte{2, 1, 0xff})), m.Root)
		agree(t, "retired slot", m.slot(pub, func(c *x509.Certificate) { c.Subject.CommonName = slotPrefix + "8a" }), m.Root)
		agree(t, "expired", m.slot(pub, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.AddDate(0, 0, 1) }), m.Root)
		agree(t, "another root", m.slot(pub, nil), other.Root)
		crossed := m.slot(pub, nil)
		crossed.Device = other.Device
		agree(t, "another device", crossed, m.Root)
	}
}

// piv-go takes a slot certificate that a root signed directly and one that
// lacks what it should say; ours does not.
func TestVerify_StricterThanPIVGo(t *testing.T) {
	m := newMaker(t, testpki.Key(t, elliptic.P256()))
	pub := testpki.Key(t, elliptic.P256()).Public()
	p := m.slot(pub, set(oidPolicy, nil))
	if _, err := theirs(t, p, m.Root); err != nil {
		t.Fatal(err)
	}
	refuses(t, p, Rehearsal(m.Root), noon, "no PIN and touch policy extension")

	c := template("YubiKey PIV Attestation 9c")
	p = Pair{Slot: m.sign(c, m.Root, pub, m.rootKey), Device: m.Device}
	if _, err := theirs(t, p, m.Root); err != nil {
		t.Fatal(err)
	}
	refuses(t, p, Rehearsal(m.Root), noon, "issued by")
}
