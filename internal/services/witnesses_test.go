package services

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/witness"
)

// cosigner is a witness with its key.
type cosigner struct {
	key  ed25519.PrivateKey
	name string
}

func (c cosigner) bytes() ([]byte, []byte) {
	key := append([]byte{4}, c.key.Public().(ed25519.PublicKey)...)
	hash := sha256.Sum256(append([]byte(c.name+"\n"), key...))
	return hash[:4], key
}

func (c cosigner) vkey() string {
	hash, key := c.bytes()
	return fmt.Sprintf("%s+%x+%s", c.name, hash, base64.StdEncoding.EncodeToString(key))
}

func (c cosigner) cosign(checkpoint []byte, at time.Time) []byte {
	text, _, _ := strings.Cut(string(checkpoint), "\n\n")
	hash, _ := c.bytes()
	sig := ed25519.Sign(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at.Unix(), text))
	data := slices.Concat(hash, binary.BigEndian.AppendUint64(nil, uint64(at.Unix())), sig)
	return fmt.Appendf(slices.Clone(checkpoint), "— %s %s\n", c.name, base64.StdEncoding.EncodeToString(data))
}

func TestRender_Witnesses(t *testing.T) {
	s := newStage(t)
	w := cosigner{ed25519.NewKeyFromSeed(make([]byte, 32)), "witness.example.com"}
	s.source.Plan.Witnesses = map[string]plan.Witness{"own": {Key: w.vkey(), URL: "https://witness.example.com"}}
	for name, flag := range map[string]string{"rekor": "--witness-policy-path", "tesseract": "-witness_policy_file"} {
		l := s.source.Plan.Logs[name]
		l.Witnesses, l.Quorum = []string{"own"}, 1
		s.source.Plan.Logs[name] = l
		out, err := s.source.Render(name)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.Index(out[0].Arguments, flag); i < 0 || out[0].Arguments[i+1] != "{dir}/witness-policy.txt" {
			t.Errorf("%s is not told its witnesses: %v", name, out[0].Arguments)
		}
		policy, err := witness.Parse(out[0].Files["witness-policy.txt"])
		if err != nil || len(policy.Logs) != 1 {
			t.Errorf("%s: %v\n%s", name, err, out[0].Files["witness-policy.txt"])
		}
		files, err := Layout(out)
		if err != nil || !strings.Contains(string(files["omniwitness.yaml"]), "- Origin: ") || !strings.Contains(string(files["omniwitness.yaml"]), policy.Logs[0]) {
			t.Errorf("%v\n%s", err, files["omniwitness.yaml"])
		}
	}
}

func TestCheck_Witnesses(t *testing.T) {
	s := newSite(t)
	w := cosigner{ed25519.NewKeyFromSeed(make([]byte, 32)), "witness.example.com"}
	s.source.Plan.Witnesses = map[string]plan.Witness{"own": {Key: w.vkey(), URL: "https://witness.example.com"}}
	l := s.source.Plan.Logs["rekor"]
	l.Witnesses, l.Quorum = []string{"own"}, 1
	s.source.Plan.Logs["rekor"] = l
	s.finds(Mismatch, "rekor", "witness-quorum", "own did not cosign")
	s.rekor.cosign = func(checkpoint []byte) []byte { return w.cosign(checkpoint, s.source.Now.Add(-time.Minute)) }
	s.agrees()
	s.rekor.cosign = func(checkpoint []byte) []byte { return w.cosign(checkpoint, s.source.Now.Add(-48*time.Hour)) }
	s.finds(Mismatch, "rekor", "witness-stale", "the newest cosignature")
	stranger := cosigner{ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))), "witness.example.com"}
	s.rekor.cosign = func(checkpoint []byte) []byte { return stranger.cosign(checkpoint, s.source.Now) }
	s.finds(Mismatch, "rekor", "witness-quorum", "own did not cosign")
}

func TestRender_FulcioWithTwoCTLogs(t *testing.T) {
	s := newStage(t)
	s.source.Plan.Logs["tesseract2027"] = plan.Log{Kind: plan.StaticCT}
	if _, err := s.source.Render("fulcio"); err == nil || !strings.Contains(err.Error(), "write submit: true at the one") {
		t.Errorf("two CT logs and none named: %v", err)
	}
	l := s.source.Plan.Logs["tesseract"]
	l.Submit = true
	s.source.Plan.Logs["tesseract"] = l
	if _, err := s.source.Render("fulcio"); err != nil {
		t.Errorf("the named one of two CT logs: %v", err)
	}
}
