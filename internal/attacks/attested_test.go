//go:build linux && cgo

package attacks

import (
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

// attest has a token's own attestation key sign another certificate for the
// holder's slot than tokens write.
func attest(state, to string, change func(*x509.Certificate)) func(*world) {
	return func(w *world) {
		slot, err := pki.ParseCertificate(w.read("holders/first/attestation/slot.pem"))
		if err != nil {
			w.Fatal(err)
		}
		device, err := pki.ParseCertificate(w.read("holders/first/attestation/device.pem"))
		if err != nil {
			w.Fatal(err)
		}
		var token struct {
			Key []byte `json:"attestation_key"`
		}
		if err := json.Unmarshal(w.read("rehearsal/"+state), &token); err != nil {
			w.Fatal(err)
		}
		key, err := x509.ParsePKCS8PrivateKey(token.Key)
		if err != nil {
			w.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: slot.SerialNumber, Subject: slot.Subject, NotBefore: slot.NotBefore, NotAfter: slot.NotAfter}
		for _, e := range slot.Extensions {
			if strings.HasPrefix(e.Id.String(), "1.3.6.1.4.1.41482.") {
				template.ExtraExtensions = append(template.ExtraExtensions, e)
			}
		}
		change(template)
		issuer := &x509.Certificate{Raw: device.Raw, RawSubject: device.RawSubject, Subject: device.Subject, PublicKey: &key.(*ecdsa.PrivateKey).PublicKey}
		der := testpki.Certify(w, template, issuer, slot.PublicKey, key.(*ecdsa.PrivateKey)).Raw
		if to == "" {
			to = w.tmp + "/slot.pem"
		} else {
			to = w.path(to)
		}
		if err := os.WriteFile(to, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
			w.Fatal(err)
		}
	}
}

// TestAttestation_OfNoToken verifies attestations that tokens do not write.
func TestAttestation_OfNoToken(t *testing.T) {
	authority := func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }
	names := func(add ...pkix.AttributeTypeAndValue) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject.ExtraNames = append(c.Subject.Names, add...) }
	}
	verify := []string{"token", "verify-attestation", "--slot-cert", "{tmp}/slot.pem", "--device-cert", "{dir}/holders/first/attestation/device.pem", "--rehearsal"}
	filed := "holders/first/attestation/slot.pem"
	play(t, []row{
		{name: "as a token writes it", do: attest("holder.json", "", func(*x509.Certificate) {}), args: verify, code: 0, words: []string{"32000002"}},
		{name: "a CA", do: attest("holder.json", "", authority), args: verify, code: 5, words: []string{"says that it is a CA, which no token writes"}},
		{name: "a signer of certificates", do: attest("holder.json", "", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }), args: verify, code: 5, words: []string{"says that it is a CA"}},
		{name: "two names", do: attest("holder.json", "", names(pkix.AttributeTypeAndValue{Type: []int{2, 5, 4, 3}, Value: "YubiKey PIV Attestation 9c"})), args: verify, code: 5, words: []string{"is not one common name"}},
		{name: "an organization beside the name", do: attest("holder.json", "", names(pkix.AttributeTypeAndValue{Type: []int{2, 5, 4, 10}, Value: "Yubico"})), args: verify, code: 5, words: []string{"is not one common name"}},
		{name: "of another token", do: attest("token.json", "", func(*x509.Certificate) {}), args: verify, code: 5, words: []string{"did not sign this slot certificate"}},
		{name: "a CA among the holders", do: attest("holder.json", filed, authority), args: []string{"tuf", "verify", "{dir}/tuf", "--root", "{dir}/tuf/1.root.json", "--rehearsal"}, code: 5, words: []string{"says that it is a CA"}},
		{name: "two names among the holders", do: attest("holder.json", filed, names(pkix.AttributeTypeAndValue{Type: []int{2, 5, 4, 3}, Value: "x"})), args: []string{"tuf", "publish", "staged/0001", "--rehearsal"}, code: 5, words: []string{"is not one common name"}},
	})
}
