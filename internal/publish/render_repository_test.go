package publish

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// TestPackRepository_OneReadEach reads the archive as policy-controller does,
// with one read for each file, whatever lies before it.
func TestPackRepository_OneReadEach(t *testing.T) {
	d := &trustdir.Dir{Path: t.TempDir()}
	want := map[string][]byte{}
	for i := range 40 {
		name := fmt.Sprintf("%02d.snapshot.json", i)
		want["repository/"+name] = bytes.Repeat([]byte(fmt.Sprintf("%04d ", i*i)), 1+i*150)
	}
	want["repository/targets/abc.trusted_root.json"] = bytes.Repeat([]byte("x"), maxAtOnce)
	for name, data := range want {
		write(t, d, name, data)
	}
	packed, err := PackRepository(d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := PackRepository(d)
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("packed again it has other bytes: %v", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	archive, seen := tar.NewReader(z), 0
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, h.Size)
		if n, err := archive.Read(data); err != nil && !errors.Is(err, io.EOF) || n != len(data) || !bytes.Equal(data, want[h.Name]) {
			t.Errorf("%s: one read gives %d of %d bytes: %v", h.Name, n, len(data), err)
		}
		seen++
	}
	if seen != len(want) {
		t.Errorf("%d files, want %d", seen, len(want))
	}
	if err := (&consumed{}).readRepository(d); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"repository/2.targets.json", "repository/targets/def.trusted_root.json"} {
		write(t, d, name, make([]byte, maxAtOnce+1))
		if err := (&consumed{}).readRepository(d); err == nil || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("%s is too large for policy-controller, and rendered: %v", name, err)
		}
		write(t, d, name, nil)
	}
}

func write(t *testing.T, d *trustdir.Dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(d.Path, trustdir.RepositoryDir, strings.TrimPrefix(name, "repository/"))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}
