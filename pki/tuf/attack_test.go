package tuf

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// attacked is a repository of two target versions in the hands of an attacker
// who holds the online key too.
type attacked struct {
	*world
	st    *memory
	old   *memory // as it was after the first publication
	root1 []byte
	cache string // of our client
	other string // of a client that others wrote
	url   string // where the repository is served already, or empty
}

func newAttacked(t *testing.T) *attacked {
	t.Helper()
	w := newWorld(t)
	a := &attacked{world: w, st: newMemory(), cache: t.TempDir()}
	w.publishFirst(a.st)
	a.root1 = w.root1(a.st)
	a.old = a.st.clone()
	w.targets.Files["fulcio.crt.pem"] = []byte("next certificate\n")
	w.publish(w.sign(w.stageTargets(a.st, day(1)), "alice", "carol"), a.st, day(1))
	return a
}

// alsoRejects asks a client that others wrote, in the conformance suite. It is
// called before the attack, which the client must accept, and after it with
// our own answer.
var alsoRejects func(a *attacked, now time.Time, ours error)

func (a *attacked) verify(now time.Time) error {
	_, err := verifyStore(a.t.Context(), a.st, a.root1, now, Cache(a.cache))
	return err
}

// resign signs a document with the online key and puts it in place.
func (a *attacked) resign(d *document, names ...string) []byte {
	a.t.Helper()
	_, err := signDocument(d, a.online)
	a.must(err)
	raw, err := d.encode()
	a.must(err)
	for _, name := range names {
		a.st.objects[name] = raw
	}
	return raw
}

func (a *attacked) repo() *repository {
	a.t.Helper()
	r, err := load(a.t.Context(), a.st)
	a.must(err)
	return r
}

// rejected checks that the honest repository passes and the attacked one fails
// with want in its text.
func (a *attacked) rejected(now time.Time, want string, attack func()) {
	a.t.Helper()
	if err := a.verify(day(1)); err != nil {
		a.t.Fatalf("before the attack: %v", err)
	}
	if alsoRejects != nil {
		alsoRejects(a, day(1), nil)
	}
	attack()
	err := a.verify(now)
	if err == nil {
		a.t.Fatal("the attack went through")
	}
	if !strings.Contains(err.Error(), want) {
		a.t.Errorf("rejected for another reason than %q: %v", want, err)
	}
	if fault.ExitCode(err) != int(fault.Verification) {
		a.t.Errorf("exit code %d", fault.ExitCode(err))
	}
	if alsoRejects != nil {
		alsoRejects(a, now, err)
	}
}

func TestAttack_TimestampRolledBack(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "new timestamp version 1 must be >= 2", func() {
		a.st.objects["timestamp.json"] = a.old.objects["timestamp.json"]
	})
}

func TestAttack_SnapshotRolledBackUnderNewTimestamp(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "new snapshot version 1 must be >= 2", func() {
		old, err := parseDocument(metadata.SNAPSHOT, a.old.objects["1.snapshot.json"])
		a.must(err)
		meta := metadata.Timestamp(day(9))
		meta.Signed.Version = 3
		meta.Signed.Meta["snapshot.json"] = listing(old)
		a.resign(&document{role: metadata.TIMESTAMP, timestamp: meta}, "timestamp.json")
	})
}

func TestAttack_Freeze(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(9), "timestamp.json is expired", func() {})
}

func TestAttack_MixAndMatch(t *testing.T) {
	a := newAttacked(t)
	// the new snapshot names the old targets with the old hash
	a.rejected(day(1), "mismatch", func() {
		r := a.repo()
		old, err := parseDocument(metadata.TARGETS, a.old.objects["1.targets.json"])
		a.must(err)
		meta := metadata.Snapshot(day(9))
		meta.Signed.Version = 2
		meta.Signed.Meta["targets.json"] = listing(old)
		raw := a.resign(&document{role: metadata.SNAPSHOT, snapshot: meta}, "2.snapshot.json")
		if bytes.Equal(raw, r.snapshot.raw) {
			t.Fatal("the snapshot is the honest one")
		}
		// a client that starts anew has no cache to compare with
		a.cache = ""
	})
}

func TestAttack_TargetChanged(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "target fulcio.crt.pem", func() {
		for name := range a.st.objects {
			if strings.HasSuffix(name, ".fulcio.crt.pem") {
				a.st.objects[name] = []byte("evil certificate")
			}
		}
	})
}

func TestAttack_TargetMissing(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "target trusted_root.json", func() {
		for name := range a.st.objects {
			if strings.HasSuffix(name, ".trusted_root.json") {
				delete(a.st.objects, name)
			}
		}
	})
}

// nextRoot is a root version 2 whose only holders are the attacker's, signed by
// the keys given.
func (a *attacked) nextRoot(holders []string, signers ...string) {
	a.t.Helper()
	pol := a.pol
	pol.Root = a.role(2, 197, 46, holders...)
	d, err := buildRoot(pol, 2, nil, day(1))
	a.must(err)
	d.root.Signed.Keys = merged(d.root.Signed.Keys, a.repo().root().root.Signed.Keys)
	for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP, metadata.TARGETS} {
		d.root.Signed.Roles[role] = a.repo().root().root.Signed.Roles[role]
	}
	for _, name := range signers {
		_, err := signDocument(d, a.keys[name])
		a.must(err)
	}
	raw, err := d.encode()
	a.must(err)
	a.st.objects["2.root.json"] = raw
}

func merged(a, b map[string]*metadata.Key) map[string]*metadata.Key {
	out := map[string]*metadata.Key{}
	for id, k := range a {
		out[id] = k
	}
	for id, k := range b {
		out[id] = k
	}
	return out
}

func TestAttack_RootSignedByNewThresholdOnly(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "not enough signatures", func() { a.nextRoot([]string{"eve", "mallory"}, "eve", "mallory") })
}

func TestAttack_RootSignedByOldThresholdOnly(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "not enough signatures", func() { a.nextRoot([]string{"eve", "mallory"}, "alice", "bob", "eve") })
}

func TestAttack_RootSignedByBothThresholdsPasses(t *testing.T) {
	a := newAttacked(t)
	a.nextRoot([]string{"eve", "mallory"}, "alice", "bob", "eve", "mallory")
	if err := a.verify(day(1)); err != nil {
		t.Fatalf("the forger of the two tests above cannot make a good root: %v", err)
	}
}

func TestAttack_OneKeyTwice(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "", func() {
		pol := a.pol
		d, err := buildRoot(pol, 2, nil, day(1))
		a.must(err)
		d.root.Signed.Roles[metadata.SNAPSHOT] = a.repo().root().root.Signed.Roles[metadata.SNAPSHOT]
		d.root.Signed.Roles[metadata.TIMESTAMP] = a.repo().root().root.Signed.Roles[metadata.TIMESTAMP]
		d.root.Signed.Keys = merged(d.root.Signed.Keys, a.repo().root().root.Signed.Keys)
		// alice's key under the other spelling of its type has another ID
		key, id, err := encodeKey(a.keys["alice"].Public())
		a.must(err)
		twin := *key
		twin.Type = metadata.KeyTypeECDSA_SHA2_P256_COMPAT
		raw, err := json.Marshal(twin)
		a.must(err)
		var other metadata.Key
		a.must(json.Unmarshal(raw, &other))
		twinID, err := other.ID()
		a.must(err)
		if twinID == id {
			t.Fatal("the twin has the same key ID")
		}
		d.root.Signed.Keys[twinID] = &other
		d.root.Signed.Roles[metadata.ROOT].KeyIDs = append(d.root.Signed.Roles[metadata.ROOT].KeyIDs, twinID)
		sig, err := signDocument(d, a.keys["alice"])
		a.must(err)
		d.root.Signatures = append(d.root.Signatures, metadata.Signature{KeyID: twinID, Signature: sig.Signature})
		_, err = d.encode()
		a.must(err)
		a.st.objects["2.root.json"] = d.raw
	})
}

func TestAttack_WrongKeyType(t *testing.T) {
	for name, curve := range map[string]elliptic.Curve{"P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		t.Run(name, func(t *testing.T) {
			a := newAttacked(t)
			a.rejected(day(1), whyP256, func() {
				wrong := testpki.Key(a.t, curve)
				d := a.repo().root()
				d.root.Signed.Version = 2
				d.root.Signatures, d.canon = nil, nil
				key, err := metadata.KeyFromPublicKey(wrong.Public())
				a.must(err)
				a.must(d.root.Signed.AddKey(key, metadata.TARGETS))
				for _, name := range []string{"alice", "bob"} {
					_, err := signDocument(d, a.keys[name])
					a.must(err)
				}
				_, err = d.encode()
				a.must(err)
				a.st.objects["2.root.json"] = d.raw
			})
		})
	}
}

// TestAttack_WrongKeyTypeSigns hands targets to one P-384 key that signs as
// go-tuf does for its curve, with SHA-384, under the scheme that says SHA-256.
func TestAttack_WrongKeyTypeSigns(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "not enough signatures", func() {
		wrong := testpki.Key(a.t, elliptic.P384())
		key, err := metadata.KeyFromPublicKey(wrong.Public())
		a.must(err)
		id, err := key.ID()
		a.must(err)
		r := a.repo()
		root := r.root()
		root.root.Signed.Version = 2
		root.root.Signatures, root.canon = nil, nil
		a.must(root.root.Signed.AddKey(key, metadata.TARGETS))
		root.root.Signed.Roles[metadata.TARGETS].KeyIDs = []string{id}
		root.root.Signed.Roles[metadata.TARGETS].Threshold = 1
		for _, name := range []string{"alice", "bob"} {
			_, err := signDocument(root, a.keys[name])
			a.must(err)
		}
		_, err = root.encode()
		a.must(err)
		a.st.objects["2.root.json"] = root.raw

		targets := r.targets[metadata.TARGETS]
		targets.targets.Signed.Version = 3
		targets.targets.Signatures, targets.canon = nil, nil
		canon, err := targets.canonical()
		a.must(err)
		digest := sha512.Sum384(canon)
		sig, err := wrong.Sign(rand.Reader, digest[:], crypto.SHA384)
		a.must(err)
		targets.targets.Signatures = []metadata.Signature{{KeyID: id, Signature: sig}}
		_, err = targets.encode()
		a.must(err)
		a.st.objects["3.targets.json"] = targets.raw
		snapshot := metadata.Snapshot(day(9))
		snapshot.Signed.Version = 3
		snapshot.Signed.Meta["targets.json"] = listing(targets)
		d := &document{role: metadata.SNAPSHOT, snapshot: snapshot}
		a.resign(d, "3.snapshot.json")
		timestamp := metadata.Timestamp(day(9))
		timestamp.Signed.Version = 3
		timestamp.Signed.Meta["snapshot.json"] = listing(d)
		a.resign(&document{role: metadata.TIMESTAMP, timestamp: timestamp}, "timestamp.json")
	})
}

func TestAttack_NullWhereGoTUFWouldFollowIt(t *testing.T) {
	a := newAttacked(t)
	a.rejected(day(1), "", func() {
		a.st.objects["timestamp.json"] = []byte(`{"signed":{"_type":"timestamp","spec_version":"1.0.31","version":3,"expires":"2027-01-01T00:00:00Z","meta":{"snapshot.json":null}},"signatures":[]}`)
	})
}

// endless never stops sending.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestAttack_EndlessData(t *testing.T) {
	a := newAttacked(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := a.st.Read(r.Context(), strings.TrimPrefix(r.URL.Path, "/"), 1<<30)
		switch {
		case errors.Is(err, objects.ErrNotFound):
			http.NotFound(w, r)
		case r.URL.Path == "/timestamp.json":
			// it ends when the client hangs up
			_, _ = io.Copy(w, endless{})
		default:
			_, _ = w.Write(data)
		}
	}))
	defer server.Close()
	_, err := Verify(t.Context(), server.URL, a.root1, day(1))
	if err == nil || !strings.Contains(err.Error(), "more than 16384 bytes") {
		t.Fatalf("endless timestamp: %v", err)
	}
	if alsoRejects != nil {
		a.url = server.URL
		alsoRejects(a, day(1), err)
	}
}

func TestAttack_ServerThatHidesMissingFilesBehind403(t *testing.T) {
	a := newAttacked(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := a.st.Read(r.Context(), strings.TrimPrefix(r.URL.Path, "/"), 1<<30)
		if err != nil {
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		_, _ = w.Write(data)
	}))
	defer server.Close()
	_, err := Verify(t.Context(), server.URL, a.root1, day(1))
	if err == nil || !strings.Contains(err.Error(), "s3:ListBucket") {
		t.Fatalf("403 for a missing root: %v", err)
	}
}

func TestAttack_OtherRootToStartFrom(t *testing.T) {
	a := newAttacked(t)
	other := newWorld(t)
	st := newMemory()
	other.publishFirst(st)
	a.root1 = other.root1(st)
	if err := a.verify(day(1)); err == nil {
		t.Fatal("verified from a root of another repository")
	}
}

func TestVerify_NamesThatClientsNeed(t *testing.T) {
	w := newWorld(t)
	delete(w.targets.Files, SigningConfigName)
	st := newMemory()
	w.publishFirst(st)
	r, err := verifyStore(t.Context(), st, w.root1(st), day0)
	w.must(err)
	if fmt.Sprint(r.Warnings) != "[no target signing_config.v0.2.json: verifying works, signing does not]" {
		t.Errorf("warnings: %q", r.Warnings)
	}
	delete(w.targets.Files, TrustedRootName)
	if _, err := StageTargets(context.Background(), w.folder(), st, w.pol, w.targets, day0, false); err == nil {
		t.Error("staged without trusted_root.json")
	}
}
