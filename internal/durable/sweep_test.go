package durable

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWrite_RemovesWhatAKilledOneLeft(t *testing.T) {
	dir := t.TempDir()
	old, fresh, other := filepath.Join(dir, ".name.tmp-aaaa"), filepath.Join(dir, ".name.tmp-bbbb"), filepath.Join(dir, ".another.tmp-cccc")
	for _, path := range []string{old, fresh, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{old, other} {
		if err := os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(filepath.Join(dir, "name"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, ".another.tmp-cccc", ".name.tmp-bbbb", "name")
}
