package pki

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"reflect"
	"testing"

	"go.step.sm/crypto/x509util"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// TestFields_AsX509util: what templates write gives the extensions that
// smallstep's library gives.
func TestFields_AsX509util(t *testing.T) {
	key := testpki.Key(t, elliptic.P256())
	extensions := func(c *x509.Certificate) []pkix.Extension {
		c.SerialNumber = big.NewInt(1)
		parsed := testpki.Certify(t, c, c, key.Public(), key)
		return parsed.Extensions
	}
	for _, text := range []string{
		`{}`,
		`{"basicConstraints": {"isCA": true, "maxPathLen": -1}, "keyUsage": ["certSign", "crl_sign"]}`,
		`{"basicConstraints": {"isCA": true, "maxPathLen": 0}, "keyUsage": "certSign", "subjectKeyId": "AAECAw=="}`,
		`{"basicConstraints": {"isCA": true, "maxPathLen": 2}}`,
		`{"basicConstraints": {"isCA": false, "maxPathLen": 2}}`,
		`{"keyUsage": ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "encipherOnly", "decipherOnly"]}`,
		`{"extKeyUsage": ["any", "serverAuth", "clientAuth", "codeSigning", "emailProtection", "ipsecEndSystem", "ipsecTunnel", "ipsecUser", "timeStamping", "ocspSigning", "microsoftServerGatedCrypto", "netscapeServerGatedCrypto", "microsoftCommercialCodeSigning", "microsoftKernelCodeSigning"], "unknownExtKeyUsage": ["1.2.3", "1.3.6.1.4.1.57264.1"]}`,
		`{"extKeyUsage": [], "unknownExtKeyUsage": null, "uris": null, "crlDistributionPoints": null}`,
		`{"dnsNames": "a.example.org", "emailAddresses": ["a@example.org"], "ipAddresses": ["192.0.2.1", "2001:db8::1"], "uris": "spiffe://example.org"}`,
		`{"sans": [{"value": "192.0.2.1"}, {"value": "https://example.org/a"}, {"value": "a@example.org"}, {"value": "example.org"}, {"type": "dns", "value": "b.example.org"}, {"type": "auto", "value": ""}]}`,
		`{"dnsNames": ["a.example.org"], "extensions": [{"id": "2.5.29.17", "value": "MAuCCWIuZXhhbXBsZQ=="}]}`,
		`{"nameConstraints": {"critical": true, "permittedDNSDomains": "example.org", "excludedDNSDomains": ["b.example.org"], "permittedIPRanges": ["192.0.2.0/24"], "excludedIPRanges": "2001:db8::/32", "permittedEmailAddresses": ["example.org"], "excludedEmailAddresses": ["a@example.org"], "permittedURIDomains": [".example.org"], "excludedURIDomains": ["c.example.org"]}}`,
		`{"policyIdentifiers": ["2.5.29.32.0", "2.25.329800735698586629295641978511506172918"], "ocspServer": "http://ocsp.example.org", "issuingCertificateURL": ["http://example.org/a.crt"], "crlDistributionPoints": ["http://example.org/a.crl"]}`,
		`{"extensions": [{"id": "1.3.6.1.4.1.99999.1", "critical": true, "value": "BQA="}]}`,
	} {
		var f fields
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := f.certificate()
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want, err := x509util.NewCertificateFromX509(&x509.Certificate{PublicKey: key.Public()}, func(_ *x509.CertificateRequest, o *x509util.Options) error {
			o.CertBuffer = bytes.NewBufferString(text)
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, want := extensions(got), extensions(want.GetCertificate()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%v\n%v", text, got, want)
		}
	}
}

func TestFields_Refuses(t *testing.T) {
	for _, text := range []string{
		`{"keyUsage": ["flying"]}`, `{"extKeyUsage": ["flying"]}`, `{"unknownExtKeyUsage": ["1.x"]}`, `{"policyIdentifiers": ["x"]}`,
		`{"ipAddresses": ["example.org"]}`, `{"uris": ["://"]}`, `{"sans": [{"type": "ip", "value": "x"}]}`, `{"sans": [{"type": "registeredID", "value": "1.2"}]}`,
		`{"nameConstraints": {"permittedIPRanges": ["192.0.2.0"]}}`, `{"nameConstraints": {"excludedIPRanges": ["x"]}}`,
		`{"extensions": [{"id": "", "value": "BQA="}]}`, `{"extensions": [{"id": "2.5.29.037", "value": "BQA="}]}`,
	} {
		var f fields
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err := f.certificate(); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
}

// TestEncodeValue_AsX509util: the same DER, and an error where the library has
// one.
func TestEncodeValue_AsX509util(t *testing.T) {
	all := x509util.GetFuncMap()
	encode := all["asn1Enc"].(func(string) (string, error))
	for _, text := range []string{
		"", "text", "a*b&c", "späte", "utf8:späte", "utf8:\xff", "ia5:a@example.org", "ia5:ä", "numeric:12 3", "numeric:x", "printable:a_b", "printable:a&b",
		"int:7", "int:-7", "int:x", "oid:1.3.6.1.5.5.7.3.3", "oid:x", "bool:true", "boolean:false", "bool:x", "raw:BQA=", "raw:!",
		"utc:2026-11-26T00:00:00Z", "generalized:2026-11-26T00:00:00Z", "utc:x", "tag:1,utf8:a", "explicit,tag:2,int:5", "https://example.org", "unknown:x", "utf8:a:b",
	} {
		got, err := encodeValue(text)
		want, wantErr := encode(text)
		if got != want && wantErr == nil || (err == nil) != (wantErr == nil) {
			t.Errorf("%q: %q, %v; x509util: %q, %v", text, got, err, want, wantErr)
		}
	}
	for name, tag := range map[string]int{"asn1Seq": 16, "asn1Set": 17} {
		library := all[name].(func(...string) (string, error))
		for _, parts := range [][]string{nil, {"BQA="}, {"BQA=", "AgEH"}, {"!"}} {
			got, err := enclose(tag)(parts...)
			want, wantErr := library(parts...)
			if got != want && wantErr == nil || (err == nil) != (wantErr == nil) {
				t.Errorf("%s %q: %q, %v; x509util: %q, %v", name, parts, got, err, want, wantErr)
			}
		}
	}
}
