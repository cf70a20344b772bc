package pki_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

var fulcioSubject = pki.Subject{Organization: "example.org", CommonName: "Example Fulcio CA", Encoding: "printable"}

func newRequest(t testing.TB) []byte {
	t.Helper()
	der, err := pki.NewRequest(fulcioSubject, testpki.FixedKey(t, elliptic.P384(), "Fulcio CA"))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func requestPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func TestNewRequest_OpenSSLVerifiesAndStringTypesArePinned(t *testing.T) {
	needs.Program(t, "openssl")
	for encoding, tag := range map[string]string{"utf8": "UTF8STRING", "printable": "PRINTABLESTRING"} {
		subject := fulcioSubject
		subject.Encoding = encoding
		der, err := pki.NewRequest(subject, testpki.FixedKey(t, elliptic.P384(), "Fulcio CA"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "request.csr")
		if err := os.WriteFile(path, requestPEM(der), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("openssl", "req", "-verify", "-noout", "-in", path).CombinedOutput(); err != nil {
			t.Errorf("openssl: %v: %s", err, out)
		}
		out, err := exec.Command("openssl", "asn1parse", "-in", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(out, []byte(tag)); got != 2 {
			t.Errorf("%d strings of type %s, want 2 in\n%s", got, tag, out)
		}
	}
}

func TestNewRequest_HashFollowsTheCurve(t *testing.T) {
	for curve, want := range map[elliptic.Curve]x509.SignatureAlgorithm{
		elliptic.P256(): x509.ECDSAWithSHA256, elliptic.P384(): x509.ECDSAWithSHA384,
	} {
		der, err := pki.NewRequest(fulcioSubject, testpki.FixedKey(t, curve, "a"))
		if err != nil {
			t.Fatal(err)
		}
		csr, err := x509.ParseCertificateRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		if csr.SignatureAlgorithm != want || len(csr.Extensions) != 0 {
			t.Errorf("signed with %s, %d extensions", csr.SignatureAlgorithm, len(csr.Extensions))
		}
	}
}

func TestNewRequest_RefusesASignerThatAnswersWrongly(t *testing.T) {
	right, wrong := testpki.FixedKey(t, elliptic.P384(), "right"), testpki.FixedKey(t, elliptic.P384(), "wrong")
	_, err := pki.NewRequest(fulcioSubject, strangeSigner{right.Public(), func(d []byte) ([]byte, error) { return wrong.Sign(nil, d, crypto.SHA384) }})
	if err == nil {
		t.Error("a request was made whose signature is another key's")
	}
}

func TestParseRequest_PEMAndDER(t *testing.T) {
	der := newRequest(t)
	for _, data := range [][]byte{der, requestPEM(der), append([]byte("Certificate Request:\n"), requestPEM(der)...)} {
		r, err := pki.ParseRequest(data)
		if err != nil {
			t.Fatal(err)
		}
		if r.Subject != fulcioSubject || !bytes.Equal(r.DER, der) || len(r.Ignored) != 0 {
			t.Errorf("read %+v", r)
		}
		if err := r.CheckSubject(fulcioSubject); err != nil {
			t.Error(err)
		}
	}
}

func TestParseRequest_RefusesWrongSignature(t *testing.T) {
	der := newRequest(t)
	der[len(der)-1] ^= 1
	if _, err := pki.ParseRequest(der); err == nil || !strings.Contains(err.Error(), "does not prove") {
		t.Errorf("got %v", err)
	}
}

func TestParseRequest_RefusesKeys(t *testing.T) {
	long := testpki.RSA(t)
	signers := map[string]crypto.Signer{"RSA key of 2048": long}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P521()} {
		key := testpki.Key(t, curve)
		signers[curve.Params().Name] = key
	}
	for word, signer := range signers {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pki.ParseRequest(der); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want %q", err, word)
		}
		if _, err := pki.NewRequest(fulcioSubject, signer); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want %q", err, word)
		}
	}
}

func TestParseRequest_RefusesForms(t *testing.T) {
	text := requestPEM(newRequest(t))
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"a big file":      make([]byte, 20<<10),
		"two requests":    append(bytes.Clone(text), text...),
		"text behind":     append(bytes.Clone(text), "more"...),
		"another type":    bytes.ReplaceAll(text, []byte("CERTIFICATE REQUEST"), []byte("CERTIFICATE")),
		"a damaged block": bytes.Replace(text, []byte("-----END"), []byte("----END"), 1),
	} {
		if _, err := pki.ParseRequest(data); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestParseRequest_ExtensionsAreNamedAndIgnored(t *testing.T) {
	key := testpki.FixedKey(t, elliptic.P384(), "a")
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "only", Country: []string{"NL"}}, DNSNames: []string{"example.org"},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Ignored) != 1 || r.Ignored[0] != "2.5.29.17" || r.Subject != (pki.Subject{}) || r.Name != "CN=only,C=NL" {
		t.Errorf("read %+v", r)
	}
	if err := r.CheckSubject(fulcioSubject); err == nil || !strings.Contains(err.Error(), "CN=only") {
		t.Errorf("got %v", err)
	}
}

func TestRequest_RefusesAnotherSubject(t *testing.T) {
	r, err := pki.ParseRequest(newRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	subject := fulcioSubject
	subject.CommonName = "Example TSA"
	if r.CheckSubject(subject) == nil {
		t.Error("another subject was accepted")
	}
	subject = fulcioSubject
	subject.Encoding = "utf8"
	if err := r.CheckSubject(subject); err != nil {
		t.Errorf("the string type is the certificate's matter: %v", err)
	}
}
