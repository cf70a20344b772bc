package kms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"encoding/pem"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)

func TestKey_TwoCalls(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	made := create(t, c, "alias/one", "P-384")
	count(s)
	for _, ref := range []string{made.ARN, "alias/one", "awskms:///alias/one", "awskms:///" + made.ARN} {
		k, err := c.Key(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if n := count(s); n["DescribeKey"] != 1 || n["GetPublicKey"] != 1 || total(n) != 2 {
			t.Errorf("%s took the calls %v", ref, n)
		}
		if k.ARN != made.ARN || k.Algorithm() != "P-384" || k.SPKISHA256() != made.SPKISHA256() {
			t.Errorf("%s gave %+v", ref, k)
		}
	}
	if !strings.HasPrefix(made.ARN, "arn:aws:kms:eu-west-1:111122223333:key/") {
		t.Errorf("ARN %s", made.ARN)
	}
}

func TestSigner_VerifiesAndRefuses(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	k := create(t, c, "alias/one", "P-384")
	digest := sha512.Sum384([]byte("message"))
	signer := c.Signer(t.Context(), k)
	signature, err := signer.Sign(nil, digest[:], crypto.SHA384)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest[:], signature) {
		t.Error("the signature does not verify")
	}
	short := sha256.Sum256([]byte("message"))
	if _, err := signer.Sign(nil, short[:], crypto.SHA256); err == nil {
		t.Error("signed a SHA-256 digest with a P-384 key")
	}
	if _, err := signer.Sign(nil, short[:], crypto.SHA384); err == nil {
		t.Error("signed a digest of the wrong length")
	}
	if _, err := signer.Sign(nil, digest[:], nil); err == nil {
		t.Error("signed without a named hash")
	}
	other := create(t, c, "alias/two", "P-384")
	swapped := *k
	swapped.ARN = other.ARN
	if _, err := c.Signer(t.Context(), &swapped).Sign(nil, digest[:], crypto.SHA384); err == nil {
		t.Error("returned a signature of another key")
	}
}

func TestCSR_ThreeCallsAndEvidence(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{})
	k := create(t, c, "alias/fulcio", "P-384")
	count(s)
	subject := pki.Subject{Organization: "example.org", CommonName: "Example Fulcio CA", Encoding: "printable"}
	data, evidence, err := c.CSR(t.Context(), k.ARN, subject, noon)
	if err != nil {
		t.Fatal(err)
	}
	n := count(s)
	if n["DescribeKey"] != 1 || n["GetPublicKey"] != 1 || n["Sign"] != 1 || n["GetCallerIdentity"] != 1 || total(n) != 4 {
		t.Errorf("calls %v", n)
	}
	if _, _, err := c.CSR(t.Context(), k.ARN, subject, noon); err != nil {
		t.Fatal(err)
	}
	if n := count(s); total(n) != 3 {
		t.Errorf("the second CSR of a run took the calls %v", n)
	}
	block, _ := pem.Decode(data)
	csr, err := pki.ParseRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if csr.SPKISHA256 != evidence.SPKISHA256 || csr.Subject != subject {
		t.Errorf("CSR for %s, %+v", csr.SPKISHA256, csr.Subject)
	}
	if evidence.Caller != "arn:aws:iam::111122223333:user/rehearsal" || evidence.Time.Nanosecond() != 0 {
		t.Errorf("evidence %+v", evidence)
	}
}

func TestEvidence_RoundTrip(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	k := create(t, c, "alias/rekor", "P-256")
	e, err := c.Evidence(t.Context(), k, noon)
	if err != nil {
		t.Fatal(err)
	}
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseEvidence(data)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.Marshal()
	if err != nil || !bytes.Equal(data, second) {
		t.Errorf("evidence changed on its way: %v\n%s\n%s", err, data, second)
	}
}

func TestParseEvidence_Refuses(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	k, other := create(t, c, "alias/a", "P-256"), create(t, c, "alias/b", "P-384")
	e, err := c.Evidence(t.Context(), k, noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Evidence){
		"digest of another key": func(e *Evidence) { e.SPKISHA256 = other.SPKISHA256() },
		"spec of another curve": func(e *Evidence) { e.Describe.Spec = other.Spec },
		"an alias as the ARN":   func(e *Evidence) { e.ARN = "arn:aws:kms:eu-west-1:111122223333:alias/a" },
		"no time":               func(e *Evidence) { e.Time = time.Time{} },
		"no key":                func(e *Evidence) { e.PublicKey = "" },
		"far too long":          func(e *Evidence) { e.Caller = strings.Repeat("x", pki.MaxEvidence) },
	} {
		bad := e
		change(&bad)
		data, err := bad.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseEvidence(data); err == nil {
			t.Errorf("accepted evidence with %s", name)
		}
	}
	var fields map[string]any
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	fields["attested"] = true
	data, err = json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseEvidence(data); err == nil || !strings.Contains(err.Error(), "attested") {
		t.Errorf("an unknown field gave %v", err)
	}
}

// sample is the evidence of a key that anybody may have: P-256's base point.
const sample = `{
  "arn": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  "describe_key": {
    "key_spec": "ECC_NIST_P256",
    "key_usage": "SIGN_VERIFY",
    "origin": "AWS_KMS",
    "key_state": "Enabled",
    "multi_region": false,
    "creation_date": "2026-03-01T12:00:00Z",
    "signing_algorithms": [
      "ECDSA_SHA_256"
    ]
  },
  "public_key": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n",
  "spki_sha256": "5cd252fb0ce8932436faf8ccd1040981b89ee4ad6b9fe9e2a2b7e71aacb27cd3",
  "time": "2026-03-01T12:00:00Z"
}
`

// FuzzParseEvidence holds that accepted evidence, written out, is accepted
// again as the same, and that it agrees with itself.
func FuzzParseEvidence(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"arn":"","describe_key":{},"public_key":"","spki_sha256":"","time":"2026-03-01T12:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseEvidence(data)
		if err != nil {
			return
		}
		k, err := KeyOf(e)
		if err != nil || k.SPKISHA256() != e.SPKISHA256 || algorithmOf(k.PublicKey) != k.Algorithm() {
			t.Errorf("accepted evidence that contradicts itself: %v\n%s", err, data)
		}
		out, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > pki.MaxEvidence {
			return // escapes may lengthen it
		}
		again, err := ParseEvidence(out)
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Errorf("%+v became %+v: %v", e, again, err)
		}
	})
}

func TestParseEvidence_Golden(t *testing.T) {
	e, err := ParseEvidence([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Marshal()
	if err != nil || string(out) != sample {
		t.Errorf("%v\n%s", err, out)
	}
}
