package gate

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	formatslog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/linnemanlabs/trustroot/pki/witness"
)

// checkpointOf signs a tree head with the log's key.
func (w *world) checkpointOf(size uint64, root []byte) string {
	w.t.Helper()
	signer, err := rekornote.NewNoteSigner(context.Background(), rekorHost, messages{w.rekorKey})
	if err != nil {
		w.t.Fatal(err)
	}
	checkpoint, err := note.Sign(&note.Note{Text: string(formatslog.Checkpoint{Origin: rekorHost, Size: size, Hash: root}.Marshal())}, signer)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(checkpoint)
}

// second puts an entry behind another one, in a tree of two.
func (w *world) second(first []byte, e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	leaf := rfc6962.DefaultHasher.HashLeaf(e.CanonicalizedBody)
	root := rfc6962.DefaultHasher.HashChildren(first, leaf)
	e.LogIndex = 1
	e.InclusionProof = &protorekor.InclusionProof{LogIndex: 1, TreeSize: 2, RootHash: root, Hashes: [][]byte{first},
		Checkpoint: &protorekor.Checkpoint{Envelope: w.checkpointOf(2, root)}}
	return e
}

// retire writes the last checkpoint of the log and has the policy read it.
func (s *scene) retire(size uint64, root []byte, change func(*Policy)) {
	s.t.Helper()
	data, err := json.Marshal(map[string]any{"logs": []any{map[string]any{
		"log_id": hex.EncodeToString(logID(s.t, s.rekorKey)), "checkpoint": s.checkpointOf(size, root)}}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("retired_logs.json", data)
	s.with(func(p *Policy) {
		p.Trust.Retired, p.Trust.Tiles, p.Trust.Untied, p.Rule = "retired_logs.json", "", "", ruleAny
		change(p)
	})
}

func TestVerify_RetiredLog(t *testing.T) {
	s := newScene(t)
	signature := s.byKey(s.appKey, app)
	first := s.entry(signature)
	leaf := rfc6962.DefaultHasher.HashLeaf(first.CanonicalizedBody)
	stranger := rfc6962.DefaultHasher.HashLeaf([]byte("another entry"))
	s.write("one.json", s.bundle(signature, first, s.stamp(signature.sig)))
	s.write("two.json", s.bundle(signature, s.second(stranger, s.entry(signature)), s.stamp(signature.sig)))
	same, bigger := func(*Policy) {}, rfc6962.DefaultHasher.HashChildren(leaf, stranger)
	accepts := func(what, bundle, says string) {
		t.Helper()
		r, err := s.verify(bundle)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		if i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == "log" }); !strings.Contains(r.Checks[i].Detail, says) {
			t.Errorf("%s: it says %q", what, r.Checks[i].Detail)
		}
	}
	refuses := func(what, bundle, says string) {
		t.Helper()
		if r, err := s.verify(bundle); err == nil || r.Accepted || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.retire(1, leaf, same)
	accepts("the last tree itself", "one.json", "")
	refuses("appended to under its old key", "two.json", "it was appended to afterwards")
	s.retire(1, stranger, same)
	refuses("another tree of the same size", "one.json", "a fork")
	s.retire(2, bigger, same)
	accepts("a smaller tree, reported", "one.json", "not tied to the last checkpoint")
	s.retire(2, bigger, func(p *Policy) { p.Trust.Untied = "refuse" })
	refuses("a smaller tree, refused", "one.json", "it may be a fork; the policy refuses that")
	archive := func(hashes ...[]byte) {
		dir := filepath.Join(s.dir, "archive", rekorHost, "tile", "0", "000.p")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "2"), slices.Concat(hashes...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tiles := func(p *Policy) { p.Trust.Tiles = "archive" }
	archive(leaf, stranger)
	s.retire(2, bigger, tiles)
	accepts("a smaller tree that the archive has", "one.json", "")
	archive(stranger, leaf)
	s.retire(2, rfc6962.DefaultHasher.HashChildren(stranger, leaf), tiles)
	refuses("a fork of smaller size", "one.json", "not the beginning of the log: a fork")
	archive(stranger, stranger)
	refuses("an archive of another log", "one.json", "do not give the last root")
}

func TestVerify_WitnessQuorum(t *testing.T) {
	s := newScene(t)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	public := append([]byte{4}, key.Public().(ed25519.PublicKey)...)
	hash := sha256.Sum256(append([]byte("witness.example.com\n"), public...))
	w, err := witness.New("own", fmt.Sprintf("witness.example.com+%x+%s", hash[:4], base64.StdEncoding.EncodeToString(public)), "https://witness.example.com")
	if err != nil {
		t.Fatal(err)
	}
	s.write("witness-policy.txt", witness.Format(nil, []witness.Witness{w}, 1))
	s.with(func(p *Policy) { p.Trust.Witnesses = "witness-policy.txt" })
	s.refused("key.log", "keyless.log")
	cosigned := func(signature signed) []byte {
		entry := s.entry(signature)
		checkpoint := entry.InclusionProof.Checkpoint
		text, _, _ := strings.Cut(checkpoint.Envelope, "\n\n")
		now := time.Now().Unix()
		sig := ed25519.Sign(key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", now, text))
		checkpoint.Envelope += "— witness.example.com " + base64.StdEncoding.EncodeToString(slices.Concat(hash[:4], binary.BigEndian.AppendUint64(nil, uint64(now)), sig)) + "\n"
		return s.bundle(signature, entry, s.stamp(signature.sig))
	}
	s.write("key.json", cosigned(s.byKey(s.appKey, app)))
	s.write("keyless.json", cosigned(s.keyless(s.leaf(release(), time.Now().Add(-time.Minute)), app)))
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Error(err)
	}
	// the same from the repository
	s.publish(time.Now().Add(time.Hour), "witness-policy.txt")
	s.trusts(Trust{Repository: "tuf", Root: "tuf/1.root.json", Witnesses: "target:witness-policies/witness-policy.txt"})
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Error(err)
	}
	s.trusts(Trust{Repository: "tuf", Root: "tuf/1.root.json", Witnesses: "target:witness-policies/other.txt"})
	if _, err := s.verify("key.json", "keyless.json"); err == nil || !strings.Contains(err.Error(), "witness policy witness-policies/other.txt") {
		t.Errorf("a target that is not there: %v", err)
	}
}
