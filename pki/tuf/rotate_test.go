package tuf

import (
	"crypto/elliptic"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// replace stages a root in which one holder is replaced.
func (w *world) replaceBob() {
	w.pol.Root = w.role(2, 197, 46, "alice", "carol", "dave")
	w.pol.Targets = w.role(2, 365, 31, "alice", "carol", "dave")
	w.pol.Former = []Holder{w.holder("bob")}
}

func TestRotate_OldAndNewThreshold(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st) // targets signed by alice and bob
	w.replaceBob()
	s := w.stageRoot(st, day(1))
	if !strings.Contains(words(s), "key removed: bob") || !strings.Contains(words(s), "key added: dave") {
		t.Errorf("description:\n%s", words(s))
	}
	// under the new root alice alone would have signed targets
	if v := s.Versions(); len(v) != 2 || v[1].Role != metadata.TARGETS || v[1].Version != 2 {
		t.Fatalf("staged: %+v", v)
	}
	w.must(signAs(s, "dave", w.keys["dave"]))
	w.must(signAs(s, "alice", w.keys["alice"]))
	err := s.Merge()
	if !errors.Is(err, ErrNotSealed) || !strings.Contains(err.Error(), "root 2: 1 of 2 signed for root 1") {
		t.Fatalf("merged without the old threshold: %v", err)
	}
	if strings.Contains(err.Error(), "signed for root 2") {
		t.Errorf("the new threshold is met: %v", err)
	}
	// bob, who leaves, may sign for the old threshold
	w.must(signAs(s, "bob", w.keys["bob"]))
	w.must(s.Merge())
	w.publish(s, st, day(1))
	r, err := verifyStore(t.Context(), st, w.root1(st), day(1))
	w.must(err)
	if r.Roots != 2 {
		t.Errorf("%d roots", r.Roots)
	}
	// and then no more
	w.targets.Files["fulcio.crt.pem"] = []byte("third")
	next := w.stageTargets(st, day(2))
	if err := signAs(next, "bob", w.keys["bob"]); err == nil {
		t.Error("bob signed after he left")
	}
	w.publish(w.sign(next, "carol", "dave"), st, day(2))
}

func TestRotate_ClientsWithCachesFollow(t *testing.T) {
	w := newWorld(t)
	dir, cache := filepath.Join(t.TempDir(), "tuf"), t.TempDir()
	st := openDir(t, dir)
	w.publishFirst(st)
	root1 := w.root1(st)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	_, err := stranger(t, server.URL, root1, cache)
	w.must(err)
	w.replaceBob()
	w.publish(w.sign(w.stageRoot(st, day0), "alice", "carol", "dave"), st, day0)
	w.targets.Files[TrustedRootName] = []byte(`{"trusted":"root 2"}`)
	w.publish(w.sign(w.stageTargets(st, day0), "carol", "dave"), st, day0)
	up, err := stranger(t, server.URL, root1, cache)
	w.must(err)
	info, err := up.GetTargetInfo(TrustedRootName)
	w.must(err)
	_, data, err := up.DownloadTarget(info, "", "")
	w.must(err)
	if string(data) != `{"trusted":"root 2"}` {
		t.Errorf("target: %s", data)
	}
}

func TestRotate_ThresholdRaisedAndHolderAdded(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	w.pol.Root = w.role(3, 197, 46, "alice", "bob", "carol", "dave")
	s := w.stageRoot(st, day(1))
	if len(s.Versions()) != 1 {
		t.Errorf("targets need no new signature: %+v", s.Versions())
	}
	w.publish(w.sign(s, "bob", "carol", "dave"), st, day(1))
}

func TestRotate_ExpiredRootIsRenewed(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	late := day(1000)
	if _, err := verifyStore(t.Context(), st, w.root1(st), late); err == nil {
		t.Fatal("verified an expired repository")
	}
	if _, err := refreshAt(t.Context(), st, w.online, w.pol, late); err == nil || !strings.Contains(err.Error(), "1.root.json expired on 2026-09-14") {
		t.Errorf("refresh of an expired root: %v", err)
	}
	// targets have expired too and come along, in one change to sign
	s := w.stageRoot(st, late)
	if v := s.Versions(); len(v) != 2 || v[0].Version != 2 || v[1].Role != metadata.TARGETS {
		t.Fatalf("staged: %+v", v)
	}
	w.publish(w.sign(s, "bob", "carol"), st, late)
	_, err := verifyStore(t.Context(), st, w.root1(st), late)
	w.must(err)
}

func TestRotate_OnlineKeyInTwoSteps(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	w.publishFirst(st)
	old := w.online
	w.online = testpki.Key(t, elliptic.P256())
	w.pol.Online = w.online.Public()
	if _, err := refreshAt(t.Context(), st, w.online, w.pol, day(2)); err == nil || !strings.Contains(err.Error(), "does not name the online key") {
		t.Errorf("refreshed with a key that root does not name: %v", err)
	}
	w.publish(w.sign(w.stageRoot(st, day(1)), "alice", "bob"), st, day(1))
	r, err := verifyStore(t.Context(), st, w.root1(st), day(1))
	w.must(err)
	if len(r.Roles[1].Keys) != 2 {
		t.Errorf("the old online key went before a client could follow: %+v", r.Roles[1])
	}
	w.publish(w.sign(w.stageRoot(st, day(2)), "alice", "bob"), st, day(2))
	r, err = verifyStore(t.Context(), st, w.root1(st), day(2))
	w.must(err)
	if id, err := KeyID(old.Public()); err != nil || len(r.Roles[1].Keys) != 1 || r.Roles[1].Keys[0] == id {
		t.Errorf("the old online key stayed: %+v", r.Roles[1])
	}
	if _, err := StageRoot(t.Context(), w.folder(), st, w.pol, day(3), false); !errors.Is(err, ErrNothingToStage) {
		t.Errorf("staged what is published: %v", err)
	}
}
