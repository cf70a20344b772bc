package witness

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// signer is a witness with its private key.
type signer struct {
	name string
	key  ed25519.PrivateKey
}

func newSigner(name string) signer {
	seed := sha256.Sum256([]byte(name))
	return signer{name, ed25519.NewKeyFromSeed(seed[:])}
}

func (s signer) id() ([]byte, []byte) {
	key := append([]byte{cosignature}, s.key.Public().(ed25519.PublicKey)...)
	hash := sha256.Sum256(append([]byte(s.name+"\n"), key...))
	return hash[:4], key
}

func (s signer) vkey() string {
	hash, key := s.id()
	return fmt.Sprintf("%s+%x+%s", s.name, hash, base64.StdEncoding.EncodeToString(key))
}

func (s signer) cosign(text string, at time.Time) string {
	hash, _ := s.id()
	when := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))
	sig := ed25519.Sign(s.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at.Unix(), text))
	return fmt.Sprintf("— %s %s\n", s.name, base64.StdEncoding.EncodeToString(append(append(hash, when...), sig...)))
}

const tree = "log.example.com\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

func TestPolicy_Check(t *testing.T) {
	a, b, c, stranger := newSigner("a.example.com"), newSigner("b.example.com"), newSigner("c.example.com"), newSigner("d.example.com")
	var all []Witness
	for i, s := range []signer{a, b, c} {
		w, err := New(fmt.Sprintf("w%d", i), s.vkey(), "https://"+s.name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	p, err := Parse(Format([]string{"log.example.com+00000000+AA=="}, all, 2))
	if err != nil {
		t.Fatal(err)
	}
	old, now := time.Unix(1_700_000_000, 0).UTC(), time.Unix(1_800_000_000, 0).UTC()
	for name, c := range map[string]struct {
		sigs string
		want bool
		n    int
	}{
		"none":                   {stranger.cosign(tree, now), false, 0},
		"one":                    {a.cosign(tree, now), false, 1},
		"two":                    {a.cosign(tree, old) + b.cosign(tree, now), true, 2},
		"one and a stranger":     {a.cosign(tree, now) + stranger.cosign(tree, now), false, 1},
		"the same one twice":     {a.cosign(tree, now) + a.cosign(tree, old), false, 1},
		"all":                    {a.cosign(tree, now) + b.cosign(tree, now) + c.cosign(tree, old), true, 3},
		"two that no key belies": {stranger.cosign(tree, now) + a.cosign(tree, now) + c.cosign(tree, now), true, 2},
	} {
		r, err := p.Check([]byte(tree + "\n" + c.sigs))
		if err != nil || r.Satisfied != c.want || len(r.Names) != c.n || c.n > 0 && !r.Newest.Equal(now) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	forged := strings.Replace(a.cosign(tree, now), "— a", "— b", 1) + a.cosign("other\n", now)
	if r, err := p.Check([]byte(tree + "\n" + forged)); err == nil && r.Satisfied {
		t.Error("a signature over another tree counts")
	}
}

func TestParse_Refuses(t *testing.T) {
	w := "witness w " + newSigner("w.example.com").vkey() + " https://w.example.com\n"
	for text, want := range map[string]string{
		w:                               "no quorum line",
		"quorum w\n":                    "not defined before",
		w + w + "quorum w\n":            "twice",
		w + "group g 2 w\nquorum g\n":   "threshold 2",
		w + "group g 1 x\nquorum g\n":   "not defined before it",
		w + "group g 1 w w\nquorum g\n": "twice",
		"witness w x y\nquorum none\n":  "not a verifier string",
		w + "quorum w\nquorum w\n":      "not a line",
		"wittness w x\nquorum none\n":   "not a line",
		strings.Replace(w, "+", "+0", 1) + "quorum w\n": "not a verifier string",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzParse holds that a policy that is read can be asked, and that none is
// satisfied by no signature unless its quorum is none.
func FuzzParse(f *testing.F) {
	f.Add([]byte("quorum none\n"))
	f.Add([]byte("witness w " + newSigner("w.example.com").vkey() + " https://w.example.com\ngroup g any w\nquorum g\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			return
		}
		r, err := p.Check([]byte(tree + "\n" + newSigner("nobody").cosign(tree, time.Unix(1, 0))))
		if err != nil || r.Satisfied && p.quorum != "" {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}
