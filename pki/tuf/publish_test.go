package tuf

import (
	"context"
	"crypto/elliptic"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// seen is what a client gets for two targets that change together.
func seen(t *testing.T, st objects.Store, root1 []byte, cache string) (string, error) {
	t.Helper()
	c, err := newClient(t.Context(), st, root1, day(1), cache)
	if err != nil {
		return "", err
	}
	a, err := targetOf(c, TrustedRootName)
	if err != nil {
		return "", err
	}
	b, err := targetOf(c, SigningConfigName)
	return string(a) + string(b), err
}

// interrupt publishes a change with a cut at every object in turn. At each cut
// a fresh client and one with a cache see old or new, and a second run
// completes.
func interrupt(t *testing.T, w *world, s *Staged, base *memory, old, new string) {
	t.Helper()
	root1 := w.root1(base)
	cuts := 0
	for n := 0; ; n++ {
		st := base.clone()
		_, err := publishTo(t.Context(), s, &cut{Store: st, left: n}, w.online, w.pol, day(1))
		if err == nil {
			break
		}
		cuts++
		if !errors.Is(err, errCut) {
			t.Fatalf("cut at object %d: %v", n, err)
		}
		if !strings.Contains(fault.Hint(err), "run the same command again") {
			t.Errorf("hint: %q", fault.Hint(err))
		}
		cache := t.TempDir()
		if _, err := seen(t, base, root1, cache); err != nil {
			t.Fatal(err)
		}
		for _, cache := range []string{"", cache} {
			got, err := seen(t, st, root1, cache)
			if err != nil || got != old && got != new {
				t.Fatalf("cut at object %d: a client sees %q, %v", n, got, err)
			}
		}
		w.publish(s, st, day(1))
		if got, err := seen(t, st, root1, cache); err != nil || got != new {
			t.Fatalf("completed after a cut at object %d: %q, %v", n, got, err)
		}
		r, err := verifyStore(t.Context(), st, root1, day(1))
		if err != nil {
			t.Fatal(err)
		}
		if v := r.Roles[1].Version.Version; v != 2 {
			t.Errorf("cut at object %d: timestamp has version %d after the second run", n, v)
		}
	}
	if cuts < 4 {
		t.Errorf("only %d objects were written", cuts)
	}
}

const (
	oldSeen = `{"trusted":"root"}{"signing":"config"}`
	newSeen = `{"trusted":"root 2"}{"signing":"config 2"}`
)

func (w *world) change() {
	w.targets.Files[TrustedRootName] = []byte(`{"trusted":"root 2"}`)
	w.targets.Files[SigningConfigName] = []byte(`{"signing":"config 2"}`)
}

func TestPublish_InterruptedAtEachObject(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.change()
	interrupt(t, w, w.sign(w.stageTargets(st, day(1)), "bob", "carol"), st, oldSeen, newSeen)
}

func TestPublish_RotationInterruptedAtEachObject(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.replaceBob() // targets must be signed anew: root goes last
	interrupt(t, w, w.sign(w.stageRoot(st, day(1)), "alice", "carol", "dave"), st, oldSeen, oldSeen)
}

func TestPublish_OnlineKeyChangeInterruptedAtEachObject(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.online = testpki.Key(t, elliptic.P256()) // the old one stays beside it: root goes first
	w.pol.Online = w.online.Public()
	interrupt(t, w, w.sign(w.stageRoot(st, day(1)), "alice", "bob"), st, oldSeen, oldSeen)
}

func TestPublish_FirstInterruptedAtEachObject(t *testing.T) {
	w := newWorld(t)
	s := w.sign(w.init(day0), "alice", "bob")
	for n := 0; ; n++ {
		st := newMemory()
		if _, err := publishTo(t.Context(), s, &cut{Store: st, left: n}, w.online, w.pol, day0); err == nil {
			break
		} else if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		if _, there := st.objects["timestamp.json"]; there {
			t.Fatalf("cut at object %d: timestamp.json is there", n)
		}
		w.publish(s, st, day0)
		if got, err := seen(t, st, w.root1(st), ""); err != nil || got != oldSeen {
			t.Fatalf("completed after a cut at object %d: %q, %v", n, got, err)
		}
	}
}

func TestPublish_SecondUploadsOnlyWhatChanged(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.targets.Files["fulcio.crt.pem"] = []byte("second")
	next := w.sign(w.stageTargets(st, day(0)), "alice", "bob")
	p := w.publish(next, st, day0)
	if len(p.Written) != 5 || !strings.HasSuffix(p.Written[0], ".fulcio.crt.pem") || !slices.Equal(p.Written[1:], []string{"2.targets.json", "2.snapshot.json", "2.timestamp.json", "timestamp.json"}) {
		t.Errorf("written: %v", p.Written)
	}
	if p := w.publish(next, st, day0); len(p.Written) != 0 {
		t.Errorf("written by the same publication again: %v", p.Written)
	}
}

func TestPublish_ToASecondPlace(t *testing.T) {
	w := newWorld(t)
	st := openDir(t, filepath.Join(t.TempDir(), "tuf"))
	w.publishFirst(st)
	w.change()
	s := w.sign(w.stageTargets(st, day(1)), "alice", "bob")
	w.publish(s, st, day(1))
	mirror := newMemory()
	w.publish(s, st, day(1), placeOf(mirror))
	if got, err := seen(t, mirror, w.root1(st), ""); err != nil || got != newSeen {
		t.Errorf("mirror: %q, %v", got, err)
	}
}

// refused checks that a publication fails and writes nothing.
func (w *world) refused(s *Staged, st *memory, want string) {
	w.t.Helper()
	before := len(st.objects)
	stamp := string(st.objects["timestamp.json"])
	_, err := publishTo(w.t.Context(), s, st, w.online, w.pol, day(1))
	if err == nil || !strings.Contains(err.Error(), want) {
		w.t.Errorf("published, or refused for another reason than %q: %v", want, err)
	}
	if len(st.objects) != before || string(st.objects["timestamp.json"]) != stamp {
		w.t.Errorf("a refused publication wrote objects")
	}
}

func TestPublish_VersionThatGoesBack(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	first := w.sign(w.init(day0), "alice", "bob")
	w.publish(first, st, day0)
	w.change()
	w.publish(w.sign(w.stageTargets(st, day0), "alice", "bob"), st, day0)
	w.refused(first, st, "it shows version 2 of targets, and here is version 1")
}

func TestPublish_OtherBytesUnderAPublishedVersion(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.refused(w.sign(w.init(day0), "alice", "bob"), st, "1.root.json is published with other bytes")
	w.change()
	a, b := w.stageTargets(st, day(1)), w.stageTargets(st, day(1))
	w.publish(w.sign(a, "alice", "bob"), st, day(1))
	w.refused(w.sign(b, "alice", "carol"), st, "2.targets.json is published with other bytes")
}

func TestPublish_OrphanedVersionWithOtherBytes(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.change()
	s := w.sign(w.stageTargets(st, day(1)), "alice", "bob")
	st.objects["2.targets.json"] = []byte(`{"left":"behind"}`)
	_, err := publishTo(t.Context(), s, st, w.online, w.pol, day(1))
	if err == nil || !strings.Contains(err.Error(), "2.targets.json is published with other bytes") {
		t.Errorf("%v", err)
	}
	if got, err := seen(t, st, w.root1(st), ""); err != nil || got != oldSeen {
		t.Errorf("clients see %q, %v", got, err)
	}
}

func TestPublish_DamagedObjectIsFound(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	for name := range st.objects {
		if strings.HasSuffix(name, ".fulcio.crt.pem") {
			st.objects[name] = []byte("CERTIFICATE\n")
		}
	}
	w.change()
	w.refused(w.sign(w.stageTargets(st, day(1)), "alice", "bob"), st, "has other bytes than its name says")
}

func TestPublish_WhatVerifyRefusesStaysHome(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.change()
	s := w.sign(w.stageTargets(st, day(1)), "alice", "bob")
	_, err := publishTo(t.Context(), s, st, w.online, w.pol, day(400))
	if err == nil || !strings.Contains(err.Error(), "clients would refuse the new repository") || fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("published under an expired root: %v", err)
	}
	if _, there := st.objects["2.targets.json"]; there {
		t.Error("something was written")
	}
}

func TestPublish_KMSDenialKeepsItsCause(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	s := w.sign(w.init(day0), "alice", "bob")
	denied := errors.New("AccessDeniedException: kms:Sign on key/1234")
	_, err := publishTo(t.Context(), s, st, failing{w.online, denied}, w.pol, day0)
	if !errors.Is(err, denied) || fault.ExitCode(err) != int(fault.Device) {
		t.Errorf("exit code %d: %v", fault.ExitCode(err), err)
	}
	if len(st.objects) != 0 {
		t.Errorf("%d objects written", len(st.objects))
	}
}

func TestPublish_DelegatedTargets(t *testing.T) {
	w := newWorld(t)
	w.pol.Delegations = []Delegation{{Name: "apps", Paths: []string{"apps/*", "apps/*/*"}, RolePolicy: w.role(2, 365, 31, "bob", "dave", "erin")}}
	w.targets.Files["apps/web/g1.pem"] = []byte("key one")
	st := newMemory()
	w.publish(w.sign(w.init(day0), "alice", "bob", "dave"), st, day0)
	r, err := verifyStore(t.Context(), st, w.root1(st), day0)
	w.must(err)
	i := slices.IndexFunc(r.Targets, func(x TargetReport) bool { return x.Name == "apps/web/g1.pem" })
	if i < 0 || r.Targets[i].Role != "apps" {
		t.Fatalf("targets: %+v", r.Targets)
	}
	// a new application key needs the delegation's holders only
	w.targets.Files["apps/web/g2.pem"] = []byte("key two")
	s := w.stageTargets(st, day(1))
	if v := s.Versions(); len(v) != 1 || v[0].Role != "apps" || v[0].Version != 2 {
		t.Fatalf("staged: %+v", v)
	}
	w.publish(w.sign(s, "dave", "erin"), st, day(1))
	// one who joins is signed for by targets and signs the role anew
	w.pol.Delegations[0].RolePolicy = w.role(2, 365, 31, "erin", "frank")
	s = w.stageTargets(st, day(2))
	if v := s.Versions(); len(v) != 2 || v[0].Role != "apps" || v[1].Role != metadata.TARGETS {
		t.Fatalf("staged: %+v", v)
	}
	w.publish(w.sign(s, "alice", "bob", "erin", "frank"), st, day(2))
	data, err := Fetch(t.Context(), exported(t, st), w.root1(st), "apps/web/g2.pem", day(2))
	w.must(err)
	if string(data) != "key two" {
		t.Errorf("fetched %q", data)
	}
}

// exported writes a memory store to a directory.
func exported(t *testing.T, st *memory) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range st.objects {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPublish_StopsWhenItsContextEnds(t *testing.T) {
	w := newWorld(t)
	s := w.sign(w.init(day0), "alice", "bob")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	st := openDir(t, filepath.Join(t.TempDir(), "tuf"))
	if _, err := publishTo(ctx, s, st, w.online, w.pol, day0); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
