package logkey

import (
	"crypto/elliptic"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
)

func TestParsePublicKey_EveryForm(t *testing.T) {
	key := testpki.Key(t, elliptic.P384())
	want, err := pki.SPKISHA256(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.EncodePublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := kms.Evidence{
		ARN: "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000001", Describe: pki.KeyDescription{Spec: "ECC_NIST_P384"},
		PublicKey: string(text), SPKISHA256: want, Time: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	der := testpki.SPKI(t, key.Public())
	answer, err := json.Marshal(map[string]any{"KeyId": "x", "PublicKey": der, "KeySpec": "ECC_NIST_P384"})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"PEM": text, "key.json": evidence, "get-public-key": answer, "CRLF": []byte(strings.ReplaceAll(string(text), "\n", "\r\n"))} {
		if got, err := PublicKeyDigest(data); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	// evidence that contradicts itself is not a key
	changed := strings.Replace(string(evidence), want, strings.Repeat("0", 64), 1)
	if _, err := ParsePublicKey([]byte(changed)); err == nil || !strings.Contains(err.Error(), "spki_sha256") {
		t.Errorf("another digest in key.json: %v", err)
	}
}

// FuzzParsePublicKey: whatever is accepted has a digest, and its PEM gives the
// same digest again; nothing larger than the bound is accepted.
func FuzzParsePublicKey(f *testing.F) {
	key := testpki.Key(f, elliptic.P256())
	text, err := pki.EncodePublicKey(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	answer, err := json.Marshal(map[string]any{"KeyId": "x", "PublicKey": []byte("not DER")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Add([]byte(`{"arn":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		public, err := ParsePublicKey(data)
		if err != nil {
			return
		}
		if len(data) > maxPublicKey {
			t.Fatalf("%d bytes were accepted", len(data))
		}
		digest, err := PublicKeyDigest(data)
		if err != nil {
			return // a key that Go reads and does not write
		}
		again, err := pki.EncodePublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := PublicKeyDigest(again); err != nil || same != digest {
			t.Fatalf("digest %s became %s, %v", digest, same, err)
		}
	})
}
