package tuf

import (
	"crypto/elliptic"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// signatureFiles lists what is in signatures/.
func signatureFiles(t *testing.T, s *Staged) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.Dir(), signaturesDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// copyDir carries a staged folder to another holder.
func copyDir(t *testing.T, s *Staged) *Staged {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(s.Dir())); err != nil {
		t.Fatal(err)
	}
	out, err := OpenStaged(to)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSign_TwiceByOneHolderDoesNotCount(t *testing.T) {
	w := newWorld(t)
	s := w.init(day0)
	other := copyDir(t, s)
	w.must(signAs(s, "alice", w.keys["alice"]))
	if err := signAs(s, "alice", w.keys["alice"]); err == nil || !strings.Contains(err.Error(), "alice has signed already") {
		t.Errorf("second signature by alice: %v", err)
	}
	// the same holder on another copy makes other signature bytes
	w.must(signAs(other, "alice", w.keys["alice"]))
	var files [][]byte
	for _, name := range signatureFiles(t, other) {
		data, err := os.ReadFile(name)
		w.must(err)
		files = append(files, data)
	}
	w.must(s.Add(files...))
	if err := s.Merge(); !errors.Is(err, ErrNotSealed) {
		t.Fatalf("merged with alice twice: %v", err)
	}
	w.must(signAs(s, "bob", w.keys["bob"]))
	w.must(s.Merge())
}

func TestSign_CollectedInAnyOrder(t *testing.T) {
	w := newWorld(t)
	s := w.init(day0)
	var files [][]byte
	for _, name := range []string{"carol", "bob"} {
		c := copyDir(t, s)
		if c.Digest() != s.Digest() {
			t.Fatal("a copy has another digest")
		}
		w.must(signAs(c, name, w.keys[name]))
		for _, path := range signatureFiles(t, c) {
			data, err := os.ReadFile(path)
			w.must(err)
			files = append([][]byte{data}, files...)
		}
	}
	w.must(s.Add(files...))
	w.must(s.Merge())
	again, err := OpenStaged(s.Dir())
	w.must(err)
	if !again.Sealed() {
		t.Error("the sealed change does not open as sealed")
	}
}

func TestSign_SignatureOverAnotherVersionIsRefused(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	first := w.init(day0)
	w.publish(w.sign(first, "alice", "bob"), st, day0)
	w.targets.Files["fulcio.crt.pem"] = []byte("second")
	s := w.stageTargets(st, day(1))
	old, err := os.ReadFile(filepath.Join(first.Dir(), signaturesDir, signatureFile{Role: "targets", Version: 1, KeyID: mustID(t, w, "alice")}.name()))
	w.must(err)
	if err := s.Add(old); err == nil || !strings.Contains(err.Error(), "it is over targets version 1; version 2 is to be signed here") {
		t.Errorf("signature over version 1: %v", err)
	}
	// renamed by hand it is still over other bytes
	forged := strings.Replace(string(old), `"version": 1`, `"version": 2`, 1)
	if err := s.Add([]byte(forged)); err == nil || !strings.Contains(err.Error(), "is not over 2.targets.json") {
		t.Errorf("relabelled signature: %v", err)
	}
	w.must(os.MkdirAll(filepath.Join(s.Dir(), signaturesDir), 0o755))
	name := signatureFile{Role: "targets", Version: 2, KeyID: mustID(t, w, "alice")}.name()
	w.must(os.WriteFile(filepath.Join(s.Dir(), signaturesDir, name), []byte(forged), 0o644))
	if _, err := OpenStaged(s.Dir()); err == nil || fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("opened with a forged signature: %v", err)
	}
}

func mustID(t *testing.T, w *world, name string) string {
	t.Helper()
	id, err := KeyID(w.keys[name].Public())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSign_CauseReachesThePersonAndNoFileIsLeft(t *testing.T) {
	w := newWorld(t)
	s := w.init(day0)
	pulled := errors.New("token was pulled")
	err := signAs(s, "alice", failing{w.keys["alice"], pulled})
	if !errors.Is(err, pulled) {
		t.Errorf("the cause was lost: %v", err)
	}
	// the second of two signatures fails
	err = signAs(s, "alice", &failsAt{failing{w.keys["alice"], pulled}, 2})
	if !errors.Is(err, pulled) {
		t.Errorf("the cause was lost: %v", err)
	}
	if files := signatureFiles(t, s); len(files) != 0 {
		t.Errorf("signature files left: %v", files)
	}
	again, err := OpenStaged(s.Dir())
	w.must(err)
	w.must(signAs(again, "alice", w.keys["alice"]))
	if n := len(signatureFiles(t, again)); n != 2 {
		t.Errorf("%d signature files, want one for root and one for targets", n)
	}
}

func TestSign_StrangersAndOtherPeoplesTokensAreRefused(t *testing.T) {
	w := newWorld(t)
	s := w.init(day0)
	if err := signAs(s, "eve", testpki.Key(t, elliptic.P256())); err == nil || !strings.Contains(err.Error(), "signs none of the roles here") {
		t.Errorf("stranger: %v", err)
	}
	if err := signAs(s, "alice", w.keys["bob"]); err == nil || !strings.Contains(err.Error(), "this is the key of bob") {
		t.Errorf("bob's token in alice's hand: %v", err)
	}
	wrong := testpki.Key(w.t, elliptic.P384())
	if err := signAs(s, "alice", wrong); err == nil || !strings.Contains(err.Error(), "unparsed by rust tough") && !strings.Contains(err.Error(), whyP256) {
		t.Errorf("P-384: %v", err)
	}
	if files := signatureFiles(t, s); len(files) != 0 {
		t.Errorf("signature files left: %v", files)
	}
}

func TestOpenStaged_ChangedOnTheStick(t *testing.T) {
	w := newWorld(t)
	for name, attack := range map[string]func(dir string) error{
		"target": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, targetsDir, TrustedRootName), []byte("{}"), 0o644)
		},
		"metadata": func(dir string) error { return os.Remove(filepath.Join(dir, signDir, "1.root.json")) },
		"added":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "readme"), nil, 0o644) },
		"link":     func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, targetsDir, "x")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := copyDir(t, w.init(day0))
			w.must(attack(c.Dir()))
			if _, err := OpenStaged(c.Dir()); err == nil {
				t.Error("opened")
			}
		})
	}
}

func TestOpenStaged_TargetChangedTogetherWithItsSums(t *testing.T) {
	w := newWorld(t)
	c := copyDir(t, w.init(day0))
	w.must(os.WriteFile(filepath.Join(c.Dir(), targetsDir, TrustedRootName), []byte("{}"), 0o644))
	w.must(resum(c.Dir()))
	_, err := OpenStaged(c.Dir())
	if err == nil || !strings.Contains(err.Error(), TrustedRootName) {
		t.Errorf("opened with content that is not what the metadata names: %v", err)
	}
}

func TestStage_FolderThatIsThereIsRefused(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	if _, err := StageInit(dir, w.pol, w.targets, day0); err == nil {
		t.Error("staged over a folder")
	}
}

func TestDescribe_FirstAndNext(t *testing.T) {
	w := newWorld(t)
	st := newMemory()
	s := w.init(day0)
	for _, want := range []string{"root: version 1, the first; expires 2026-09-14", "root: 2 of 3", "key added: alice", "added: trusted_root.json, 18 bytes"} {
		if !strings.Contains(words(s), want) {
			t.Errorf("no %q in\n%s", want, words(s))
		}
	}
	w.publish(w.sign(s, "alice", "bob"), st, day0)
	w.targets.Files[TrustedRootName] = []byte(`{"trusted":"root 2"}`)
	delete(w.targets.Files, "fulcio.crt.pem")
	w.targets.Usage = nil
	next := w.stageTargets(st, day(1))
	for _, want := range []string{"targets: version 2 after 1", "changed: trusted_root.json", "removed: fulcio.crt.pem"} {
		if !strings.Contains(words(next), want) {
			t.Errorf("no %q in\n%s", want, words(next))
		}
	}
	changes := next.TargetChanges()
	if len(changes) != 2 || string(changes[1].Old) != `{"trusted":"root"}` || string(changes[1].New) != `{"trusted":"root 2"}` || changes[0].New != nil {
		t.Errorf("changes: %q", changes)
	}
}

func TestCheckAgainst_HoldersOwnRoot(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	st, elsewhere := newMemory(), newMemory()
	w.publishFirst(st)
	other.publishFirst(elsewhere)
	w.targets.Files["fulcio.crt.pem"] = []byte("second")
	s := w.stageTargets(st, day(1))
	w.must(s.CheckAgainst(w.root1(st)))
	if err := s.CheckAgainst(w.root1(elsewhere)); err == nil {
		t.Error("built on a root that the holder does not know")
	}
	if err := w.init(day0).CheckAgainst(w.root1(st)); err == nil {
		t.Error("a first repository builds on a root")
	}
}

// Two changes of one version: the newer one supersedes, wherever both lie.
func TestCheckNewest(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	lie := func(s *Staged, name string) *Staged {
		w.must(os.CopyFS(filepath.Join(dir, name), os.DirFS(s.Dir())))
		out, err := OpenStaged(filepath.Join(dir, name))
		w.must(err)
		return out
	}
	first := w.init(day0)
	older := lie(first, "0001")
	lie(first, "0002") // the same change
	w.must(CheckNewest(filepath.Join(dir, "0001"), older))
	w.targets.Files["more.txt"] = []byte("more")
	w.must(Pack(lie(w.init(day0), "0003")))
	w.must(os.RemoveAll(filepath.Join(dir, "0003"))) // its one file is enough
	w.must(os.WriteFile(filepath.Join(dir, "0004-alice.json"), []byte("{}"), 0o600))
	err := CheckNewest(filepath.Join(dir, "0001"), older)
	if err == nil || !strings.Contains(err.Error(), "is superseded by "+filepath.Join(dir, "0003.tar")) || fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("%v", err)
	}
	w.must(Pack(older))
	if CheckNewest(filepath.Join(dir, "0001.tar"), older) == nil {
		t.Error("its one file is not superseded")
	}
}
