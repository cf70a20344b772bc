package attestation

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// noon is when the tests judge.
var noon = time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)

// read reads a certificate of a real token, made public in the tests of piv-go.
func read(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatalf("%s holds no PEM", name)
		return nil
	}
	return testpki.Parse(t, block.Bytes)
}

// maker makes attestation chains with real keys.
type maker struct {
	t            testing.TB
	Root, Device *x509.Certificate
	rootKey      crypto.Signer
	deviceKey    crypto.Signer
}

func newMaker(t testing.TB, deviceKey crypto.Signer) *maker {
	t.Helper()
	m := &maker{t: t, rootKey: testpki.Key(t, elliptic.P256()), deviceKey: deviceKey}
	root := template("REHEARSAL Attestation Root")
	root.IsCA, root.BasicConstraintsValid = true, true
	m.Root = m.sign(root, root, m.rootKey.Public(), m.rootKey)
	device := template("YubiKey PIV Attestation")
	device.IsCA, device.BasicConstraintsValid, device.MaxPathLenZero = true, true, true
	m.Device = m.sign(device, m.Root, m.deviceKey.Public(), m.rootKey)
	return m
}

func template(cn string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: cn},
		NotBefore:    noon.AddDate(-1, 0, 0),
		NotAfter:     noon.AddDate(100, 0, 0),
	}
}

func (m *maker) sign(c, issuer *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	m.t.Helper()
	return testpki.Certify(m.t, c, issuer, pub, key)
}

// slot attests a key as firmware 5.7.4 does; change may spoil the template.
func (m *maker) slot(pub crypto.PublicKey, change func(*x509.Certificate)) Pair {
	m.t.Helper()
	c := template("YubiKey PIV Attestation 9c")
	c.ExtraExtensions = []pkix.Extension{
		{Id: oidFirmware, Value: []byte{5, 7, 4}},
		{Id: oidSerial, Value: []byte{0x02, 0x04, 0x01, 0x53, 0x6a, 0xb8}},
		{Id: oidPolicy, Value: []byte{3, 2}},
		{Id: oidFormFactor, Value: []byte{3}},
	}
	if change != nil {
		change(c)
	}
	return Pair{Slot: m.sign(c, m.Device, pub, m.deviceKey), Device: m.Device}
}

// set replaces an extension's value, or takes it away when value is nil.
func set(id asn1.ObjectIdentifier, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		var kept []pkix.Extension
		for _, e := range c.ExtraExtensions {
			if e.Id.Equal(id) {
				e.Value = value
			}
			if e.Value != nil {
				kept = append(kept, e)
			}
		}
		c.ExtraExtensions = kept
	}
}

// tampered replaces bytes inside a certificate and keeps its signature.
func tampered(t testing.TB, c *x509.Certificate, old, fresh []byte) *x509.Certificate {
	t.Helper()
	raw := string(c.Raw)
	i := indexOnce(t, raw, string(old))
	return testpki.Parse(t, []byte(raw[:i]+string(fresh)+raw[i+len(old):]))
}

func indexOnce(t testing.TB, s, sub string) int {
	t.Helper()
	at := -1
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i:i+len(sub)] == sub {
			if at >= 0 {
				t.Fatalf("%x is there twice", sub)
			}
			at = i
		}
	}
	if at < 0 {
		t.Fatalf("%x is not there", sub)
	}
	return at
}
