package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"testing"

	"github.com/linnemanlabs/trustroot/pki"
)

// FuzzParseRequest: whatever is read has a key on an accepted curve, a
// signature that verifies, a pin that is its own, and reads again from its DER.
func FuzzParseRequest(f *testing.F) {
	der := newRequest(f)
	f.Add(der)
	f.Add(requestPEM(der))
	f.Add(append([]byte("text\n"), requestPEM(der)...))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := pki.ParseRequest(data)
		if err != nil {
			return
		}
		if _, err := pki.CheckKey(r.PublicKey); err != nil {
			t.Errorf("a request with a refused key was read: %v", err)
		}
		csr, err := x509.ParseCertificateRequest(r.DER)
		if err != nil {
			t.Fatal(err)
		}
		if err := csr.CheckSignature(); err != nil {
			t.Errorf("a request with a wrong signature was read: %v", err)
		}
		again, err := pki.ParseRequest(r.DER)
		if err != nil || again.SPKISHA256 != r.SPKISHA256 || again.Subject != r.Subject {
			t.Errorf("the DER reads otherwise: %v", err)
		}
	})
}

// FuzzParseCertificates: what is read is as many certificates as blocks begin,
// at most ten, and writes back to what reads the same.
func FuzzParseCertificates(f *testing.F) {
	root := issue(f, pki.ProfileRoot, "Root CA", nil, nil)
	fulcio := issue(f, pki.ProfileFulcioCA, "Fulcio CA", root, nil)
	data, err := pki.EncodeCertificates(fulcio.chain)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(append([]byte("text\n"), data...))
	f.Add(bytes.Replace(data, []byte("-----END"), []byte("----END"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		certificates, err := pki.ParseCertificates(data)
		if err != nil {
			return
		}
		if n := bytes.Count(data, []byte("-----BEGIN ")); len(certificates) != n || n > 10 || n == 0 {
			t.Errorf("%d certificates in %d blocks", len(certificates), n)
		}
		text, err := pki.EncodeCertificates(certificates)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pki.ParseCertificates(text)
		if err != nil || len(again) != len(certificates) {
			t.Fatalf("reads back as %d certificates: %v", len(again), err)
		}
		for i := range again {
			if !again[i].Equal(certificates[i]) {
				t.Errorf("certificate %d changed", i)
			}
			pki.Describe(again[i])
		}
	})
}

// FuzzParseSubject: what is read encodes to the very bytes that were read.
func FuzzParseSubject(f *testing.F) {
	for _, subject := range []pki.Subject{fulcioSubject, {Organization: "ü", CommonName: "日本"}} {
		der, err := subject.DER()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		subject, err := pki.ParseSubject(der)
		if err != nil {
			return
		}
		again, err := subject.DER()
		if err != nil || !bytes.Equal(again, der) {
			t.Errorf("%+v encodes to %x, %v; read from %x", subject, again, err, der)
		}
	})
}

// FuzzTemplate: whatever a plan's settings and own template say, the prepared
// certificate has the key, the subject, the serial and the dates of the spec,
// keeps the rules of its profile and prepares again to the same bytes.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		`{"template": "{}"}`,
		`{"template": "{\"extKeyUsage\": [\"timeStamping\", \"codeSigning\"]}"}`,
		`{"template": "{\"extensions\": [{\"id\": \"1.2.3.4\", \"value\": \"{{ asn1Seq (asn1Enc \\\"oid:1.2.3\\\") }}\"}]}"}`,
		`{"template": "{{ range .URIs }}{{ . }}{{ end }}{\"order\": [\"keyUsage\"]}", "uris": ["spiffe://example.org"]}`,
		`{"ext_key_usage_critical": true, "policies": [{"oid": "1.3.6.1.4.1.1", "cps": "https://example.org"}]}`,
		`{"path_len": 3, "name_constraints": {"permitted": {"dns": [".example.org"], "ip": ["192.0.2.0/24"]}, "excluded": {"email": ["example.com"], "uri": ["a.b"]}}}`,
		`{"crl_distribution": ["http://example.org/crl"], "issuing_certificates": ["http://example.org/crt"]}`,
	} {
		for i := range pki.Profiles() {
			f.Add(uint8(i), seed)
		}
	}
	root := issue(f, pki.ProfileRoot, "Root CA", nil, nil)
	f.Fuzz(func(t *testing.T, n uint8, text string) {
		profile := pki.Profiles()[int(n)%len(pki.Profiles())]
		issuer := root
		if profile == pki.ProfileRoot {
			issuer = nil
		}
		spec := newSpec(t, profile, "Fuzzed", issuer)
		if json.Unmarshal([]byte(text), &spec.Settings) != nil {
			return
		}
		prepared, err := pki.Prepare(spec, chainOf(issuer), acceptAll{})
		if err != nil {
			return
		}
		draft := prepared.Draft()
		subject, err := pki.ParseSubject(draft.RawSubject)
		want := spec.Subject
		want.Encoding = pki.EncodingUTF8
		if err != nil || subject != want {
			t.Errorf("subject %v, %v", subject, err)
		}
		if pub, err := pki.CheckKey(draft.PublicKey); err != nil || !pub.Equal(spec.PublicKey) {
			t.Errorf("another key: %v", err)
		}
		if draft.SerialNumber.Cmp(spec.Serial) != 0 || !draft.NotBefore.Equal(spec.NotBefore) || !draft.NotAfter.Equal(spec.NotAfter) {
			t.Error("another serial or other dates")
		}
		if draft.IsCA != pki.IsCA(profile) || len(draft.SubjectKeyId) == 0 || (issuer == nil) != (len(draft.AuthorityKeyId) == 0) {
			t.Errorf("a %s certificate breaks its profile", profile)
		}
		again, err := pki.Prepare(spec, chainOf(issuer), acceptAll{})
		if err != nil || !bytes.Equal(again.TBS(), prepared.TBS()) {
			t.Errorf("prepares otherwise: %v", err)
		}
	})
}

// acceptAll leaves everything to the checks of the package itself.
type acceptAll struct{}

func (acceptAll) Lint(*x509.Certificate, []*x509.Certificate) error { return nil }
