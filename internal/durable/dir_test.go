package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestDir_Commit(t *testing.T) {
	parent := t.TempDir()
	final := filepath.Join(parent, "out")
	d, err := NewDir(final + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	if err := os.MkdirAll(filepath.Join(d.Path(), "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(d.Path(), "a", "b", "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is there before the commit", final)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	if d.Path() != final {
		t.Errorf("path %s, want %s", d.Path(), final)
	}
	wantFile(t, filepath.Join(final, "a", "b", "f"), "x")
	wantNames(t, parent, "out")
	if err := d.Commit(); err == nil {
		t.Error("a second commit passed")
	}
}

func TestDir_Discard(t *testing.T) {
	parent := t.TempDir()
	d, err := NewDir(filepath.Join(parent, "out"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	wantNames(t, parent)
	if err := d.Commit(); err == nil {
		t.Error("a commit after the discard passed")
	}
}

func TestDir_RefusesWhatIsThere(t *testing.T) {
	parent := t.TempDir()
	final := filepath.Join(parent, "out")
	late, err := NewDir(final)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(final, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDir(final); !errors.Is(err, fs.ErrExist) {
		t.Errorf("new: error %v, want fs.ErrExist", err)
	}
	if err := late.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("commit: error %v, want fs.ErrExist", err)
	}
	late.Discard()
	wantNames(t, parent, "out")
	wantNames(t, final)
}

func TestDir_RefusesLinks(t *testing.T) {
	parent := t.TempDir()
	d, err := NewDir(filepath.Join(parent, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	if err := os.Symlink("/etc/passwd", filepath.Join(d.Path(), "link")); err != nil {
		t.Fatal(err)
	}
	if err := d.Commit(); err == nil {
		t.Fatal("a symbolic link was committed")
	}
	if _, err := os.Lstat(filepath.Join(parent, "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the directory is in place after a refused commit")
	}
}

func TestNewDir_MissingParent(t *testing.T) {
	if _, err := NewDir(filepath.Join(t.TempDir(), "no", "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v, want fs.ErrNotExist", err)
	}
}
