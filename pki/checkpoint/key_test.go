package checkpoint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/note"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

// keys of Sigstore's public-good logs, as its trusted_root.json publishes them
const (
	rekorV1 = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwr
kBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==
-----END PUBLIC KEY-----
`
	ctfe2022 = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiPSlFi0CmFTfEjCUqF9HuCEcYXNK
AaYalIJmBZ8yyezPjTqhxrKBpMnaocVtLJBI1eM3uXnQzQGAJdJ4gs9Fyw==
-----END PUBLIC KEY-----
`
)

func mustParse(t *testing.T, kind, origin, pem string) Key {
	t.Helper()
	key, err := Parse(kind, origin, []byte(pem))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKey_RekorVector(t *testing.T) {
	key := mustParse(t, RekorV2, "rekor.example.com", rekorV1)
	id := key.LogID()
	if got, want := base64.StdEncoding.EncodeToString(id[:]), "wNI9atQGlz+VWfO6LRygH4QUfY/8W4RFwiT5i5WRgB0="; got != want {
		t.Errorf("log ID %s, want %s", got, want)
	}
	if key.Hash() != 0xc0d23d6a {
		t.Errorf("key hash %08x, want c0d23d6a", key.Hash())
	}
	// the key hash of Rekor does not depend on the origin
	if other := mustParse(t, RekorV2, "log.example.org", rekorV1); other.Hash() != key.Hash() {
		t.Errorf("key hash %08x under another origin, want %08x", other.Hash(), key.Hash())
	}
}

func TestKey_StaticCTVector(t *testing.T) {
	key := mustParse(t, StaticCT, "ctfe.example.com/2026", ctfe2022)
	id := key.LogID()
	if got, want := base64.StdEncoding.EncodeToString(id[:]), "3T0wasbHETJjGR4cmWc3AqJKXrjePK3/h4pygC8p7o4="; got != want {
		t.Errorf("log ID %s, want %s", got, want)
	}
	if key.Hash() != 0x2f7e49a3 {
		t.Errorf("key hash %08x, want 2f7e49a3", key.Hash())
	}
	if other := mustParse(t, StaticCT, "ctfe.example.com/2027", ctfe2022); other.Hash() == key.Hash() {
		t.Error("the key hash of static-ct does not depend on the origin")
	}
}

func TestKey_VerifierParses(t *testing.T) {
	for _, key := range []Key{
		mustParse(t, RekorV2, "rekor.example.com", rekorV1),
		mustParse(t, StaticCT, "ctfe.example.com/2026", ctfe2022),
	} {
		verifier, err := note.NewVerifier(key.Verifier())
		if err != nil {
			t.Fatalf("%s: %v", key.Verifier(), err)
		}
		if verifier.Name() != key.Origin || verifier.KeyHash() != key.Hash() {
			t.Errorf("verifier is %s %08x, key is %s %08x", verifier.Name(), verifier.KeyHash(), key.Origin, key.Hash())
		}
	}
}

func TestKey_VerifierVerifiesCheckpoint(t *testing.T) {
	private := testpki.Key(t, elliptic.P256())
	key, err := New(RekorV2, "rekor.example.com", private.Public())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("rekor.example.com\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
	digest := sha256.Sum256(text)
	signature, err := ecdsa.SignASN1(rand.Reader, private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if !verifier.Verify(text, signature) {
		t.Error("the verifier string does not verify what the key signed")
	}
	if verifier.Verify(append(text, '\n'), signature) {
		t.Error("the verifier string verifies another text")
	}
}

func TestKey_PEMRoundTrip(t *testing.T) {
	key := mustParse(t, RekorV2, "rekor.example.com", rekorV1)
	text, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != rekorV1 {
		t.Errorf("PEM is\n%s\nwant\n%s", text, rekorV1)
	}
	sum, err := pki.SPKISHA256(key.Public)
	if err != nil {
		t.Fatal(err)
	}
	id := key.LogID()
	if sum != fmt.Sprintf("%x", id) {
		t.Error("the log ID is not the SHA-256 of the SPKI")
	}
	if binary.BigEndian.Uint32(id[:]) != key.Hash() {
		t.Error("the key hash of Rekor is not the head of the log ID")
	}
}

func TestNew_RefusesKeysAndSaysWhoFails(t *testing.T) {
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long := testpki.RSA(t)
	curve := func(c elliptic.Curve) crypto.PublicKey {
		key := testpki.Key(t, c)
		return key.Public()
	}
	refused := func(kind, origin string, pub crypto.PublicKey, words ...string) {
		t.Helper()
		_, err := New(kind, origin, pub)
		if err == nil {
			t.Errorf("a %T was accepted", pub)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not say %q", err, word)
			}
		}
	}
	refused(RekorV2, "rekor.example.com", curve(elliptic.P384()), "P-384", "SHA-384", "sigstore-js", "cosign")
	refused(RekorV2, "rekor.example.com", curve(elliptic.P521()), "P-521")
	refused(RekorV2, "rekor.example.com", curve(elliptic.P224()), "P-224")
	refused(RekorV2, "rekor.example.com", edwards, "Ed25519", "unsupported hash algorithm")
	refused(RekorV2, "rekor.example.com", long.Public(), "RSA", "2048", "sigstore-js")
	refused(StaticCT, "ct.example.com/2026", curve(elliptic.P384()), "Fulcio refuses")
	refused(StaticCT, "ct.example.com/2026", edwards, "Fulcio refuses")
	refused(RekorV2, "rekor.example.com", nil, "missing")
	refused("rekor-v1", "rekor.example.com", curve(elliptic.P256()), "rekor-v1")
}

func TestNew_ReportsKeyAndOriginTogether(t *testing.T) {
	key := testpki.Key(t, elliptic.P384())
	_, err := New(RekorV2, "https://rekor.example.com/", key.Public())
	if err == nil || !strings.Contains(err.Error(), "scheme") || !strings.Contains(err.Error(), "P-384") {
		t.Errorf("got %v, want both problems", err)
	}
}
