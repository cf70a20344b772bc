package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite_New(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Write(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "one")
	wantNames(t, dir, "a")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestWrite_NeverReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v, want fs.ErrExist", err)
	}
	// also when the file appears only after the early look.
	if err := write(path, []byte("new"), 0o600, renameNoReplace); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v, want fs.ErrExist", err)
	}
	wantFile(t, path, "old")
	wantNames(t, dir, "a")
}

func TestWrite_DanglingLinkIsTaken(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), path); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("error %v, want fs.ErrExist", err)
	}
	wantNames(t, dir, "a")
}

func TestReplace_LinkIsReplacedNotFollowed(t *testing.T) {
	dir := t.TempDir()
	target, path := filepath.Join(dir, "target"), filepath.Join(dir, "a")
	if err := os.WriteFile(target, []byte("target"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if err := Replace(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "new")
	wantFile(t, target, "target")
}

func TestReplace_OldAndNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, content := range []string{"first", "second, longer", "3"} {
		if err := Replace(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, content)
	}
	wantNames(t, dir, "a")
}

func TestReplace_FailedRenameLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := write(path, []byte("new"), 0o600, func(string, string) error { return full })
	if !errors.Is(err, full) {
		t.Fatalf("error %v, want %v", err, full)
	}
	wantFile(t, path, "old")
	wantNames(t, dir, "a")
}

func TestRenamePortable_NeverReplaces(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for _, p := range []string{file, other} {
		if err := os.WriteFile(p, []byte(p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{from, to} {
		if err := os.Mkdir(p, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := renamePortable(file, other); !errors.Is(err, fs.ErrExist) {
		t.Errorf("file: error %v, want fs.ErrExist", err)
	}
	if err := renamePortable(from, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("directory: error %v, want fs.ErrExist", err)
	}
	wantFile(t, other, other)
	wantNames(t, dir, "file", "from", "other", "to")

	if err := renamePortable(file, filepath.Join(dir, "new")); err != nil {
		t.Error(err)
	}
	if err := renamePortable(from, filepath.Join(dir, "newdir")); err != nil {
		t.Error(err)
	}
	wantNames(t, dir, "new", "newdir", "other", "to")
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", path, got, want)
	}
}

// wantNames fails when the directory holds anything else, a left temporary
// file for one.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(want) {
		t.Fatalf("%s holds %q, want %q", dir, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s holds %q, want %q", dir, got, want)
		}
	}
}
