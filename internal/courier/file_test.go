package courier

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadFile_RegularAndBounded(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(at("file"), []byte("12345"), 0o600), os.Symlink("file", at("link")),
		syscall.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("folder"), 0o700), os.WriteFile(at("sparse"), nil, 0o600),
		os.Truncate(at("sparse"), 1500<<20)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "link"} {
		if data, err := ReadFile(at(name), 5); err != nil || string(data) != "12345" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if data, err := fs.ReadFile(FS(dir), name); err != nil || string(data) != "12345" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for name, word := range map[string]string{
		at("file"): "more than the 4", at("sparse"): "more than the 4", at("pipe"): "a pipe, not a regular file",
		at("folder"): "a folder, not a regular file", "/dev/zero": "a device, not a regular file",
	} {
		if _, err := ReadFile(name, 4); err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"pipe", "sparse"} {
		if _, err := fs.ReadFile(FS(dir), name); err == nil {
			t.Errorf("%s was read", name)
		}
		if _, err := FS(dir).Open(name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := ReadFile(at("none"), 4); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if entries, err := fs.ReadDir(FS(dir), "."); err != nil || len(entries) != 5 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}
