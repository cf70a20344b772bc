package testpki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"testing"
)

// Key makes an ECDSA key.
func Key(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// RSA makes an RSA key of 2048 bits.
func RSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Fixed is a key that signs as RFC 6979 says, so that certificates and thus
// golden bytes are the same in every run.
type Fixed struct{ *ecdsa.PrivateKey }

// Sign implements crypto.Signer.
func (f Fixed) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return f.PrivateKey.Sign(nil, digest, opts)
}

// FixedKey derives a key from a name, the same in every run.
func FixedKey(t testing.TB, curve elliptic.Curve, name string) Fixed {
	t.Helper()
	size := (curve.Params().BitSize + 7) / 8
	var raw []byte
	for i := 0; len(raw) < size; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", name, i))
		raw = append(raw, sum[:]...)
	}
	key, err := ecdsa.ParseRawPrivateKey(curve, raw[:size])
	if err != nil {
		t.Fatalf("derive key %s: %v", name, err)
	}
	return Fixed{key}
}

// Certify issues a certificate for a key, flaws and all. The issuer of a
// self-signed one is the template.
func Certify(t testing.TB, template, issuer *x509.Certificate, key crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key, by)
	if err != nil {
		t.Fatalf("certify %s: %v", template.Subject, err)
	}
	return Parse(t, der)
}

// Parse reads a certificate.
func Parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TimeStamping is the object identifier of RFC 3161's purpose.
var TimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

// Purpose is a critical extended key usage, as RFC 3161 asks of a timestamp
// authority.
func Purpose(t testing.TB, usages ...asn1.ObjectIdentifier) pkix.Extension {
	t.Helper()
	value, err := asn1.Marshal(usages)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}
}

// SPKI is a key's subject public key info, in DER.
func SPKI(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// KeyPEM is a public key's PEM.
func KeyPEM(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: SPKI(t, key)})
}
