package tuf

import (
	"crypto/elliptic"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

func newChallenge(t testing.TB) *Challenge {
	t.Helper()
	c, err := NewChallenge("example.org", "alice", day0, 14*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProof_RoundTrip(t *testing.T) {
	c, key := newChallenge(t), testpki.Key(t, elliptic.P256())
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sent, err := ParseChallenge(data)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Prove(sent, key, []string{"attestation", "intermediate"})
	if err != nil {
		t.Fatal(err)
	}
	if data, err = p.Encode(); err != nil {
		t.Fatal(err)
	}
	back, err := ParseProof(data)
	if err != nil {
		t.Fatal(err)
	}
	h, err := CheckProof(c, back, day(1))
	if err != nil {
		t.Fatal(err)
	}
	if h.Name != "alice" || !h.PublicKey.Equal(key.Public()) || back.Attestation[0] != "attestation" {
		t.Errorf("holder: %+v", h)
	}
}

func TestProof_Refused(t *testing.T) {
	c, key := newChallenge(t), testpki.Key(t, elliptic.P256())
	p, err := Prove(c, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CheckProof(newChallenge(t), p, day0); err == nil || !strings.Contains(err.Error(), "another challenge") {
		t.Errorf("another challenge: %v", err)
	}
	if _, err := CheckProof(c, p, day(15)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("late: %v", err)
	}
	stolen := *p
	other, err := pki.EncodePublicKey(testpki.Key(t, elliptic.P256()).Public())
	if err != nil {
		t.Fatal(err)
	}
	stolen.PublicKey = string(other)
	if _, err := CheckProof(c, &stolen, day0); err == nil {
		t.Error("a key passed with another key's signature")
	}
	added := *p
	added.Attestation = []string{"swapped"}
	if _, err := CheckProof(c, &added, day0); err == nil {
		t.Error("an attestation passed that was not signed")
	}
	p384 := testpki.Key(t, elliptic.P384())
	if _, err := Prove(c, p384, nil); err == nil || !strings.Contains(err.Error(), whyP256) {
		t.Errorf("P-384: %v", err)
	}
	wrongPIN := errors.New("wrong PIN, 2 retries left")
	if _, err := Prove(c, failing{key, wrongPIN}, nil); !errors.Is(err, wrongPIN) {
		t.Errorf("the cause was lost: %v", err)
	}
}
