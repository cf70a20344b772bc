package courier

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var small = Limits{Files: 6, Depth: 3, File: 10, Total: 25, Larger: map[string]int64{"big": 20}}

func sample() map[string][]byte {
	return map[string][]byte{"a.txt": []byte("one"), "dir/b.txt": []byte("two")}
}

// lay writes files and their sums into a new folder.
func lay(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "folder")
	if err := WriteFolder(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refused wants an error that says why.
func refused(t *testing.T, err error, why string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("want an error that says %q, got %v", why, err)
	}
}

func TestFolder_RoundTrip(t *testing.T) {
	files, err := ReadFolder(lay(t, sample()), small)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(files, sample(), func(a, b []byte) bool { return bytes.Equal(a, b) }) {
		t.Errorf("got %q", files)
	}
}

func TestFolder_Bounds(t *testing.T) {
	_, err := ReadFolder(lay(t, map[string][]byte{"x": make([]byte, 11)}), small)
	refused(t, err, "more than the 10")
	_, err = ReadFolder(lay(t, map[string][]byte{"a": make([]byte, 9), "b": make([]byte, 9), "c": make([]byte, 9)}), small)
	refused(t, err, "together")
	_, err = ReadFolder(lay(t, map[string][]byte{"a/b/c/d": nil}), small)
	refused(t, err, "levels deep")
	_, err = ReadFolder(lay(t, map[string][]byte{"a": nil, "b": nil, "c": nil, "d": nil, "e": nil, "f": nil, "g": nil}), small)
	refused(t, err, "more than 6 files")
	_, err = ReadFolder(lay(t, map[string][]byte{".hidden": nil}), small)
	refused(t, err, "not a name")
	if _, err = ReadFolder(lay(t, map[string][]byte{"big": make([]byte, 20)}), small); err != nil {
		t.Error(err)
	}
}

func TestFolder_Links(t *testing.T) {
	dir := lay(t, sample())
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	_, err := ReadFolder(dir, small)
	refused(t, err, "a symbolic link")
}

func TestLimits_Check(t *testing.T) {
	if err := small.Check(sample()); err != nil {
		t.Error(err)
	}
	refused(t, small.Check(map[string][]byte{"../x": nil}), "not a name")
	refused(t, small.Check(map[string][]byte{"x": make([]byte, 11)}), "more than the 10")
}

func TestSums_EveryDifferenceIsNamed(t *testing.T) {
	files := sample()
	files[SumsFile] = Sums(files)
	if err := CheckSums(files); err != nil {
		t.Fatal(err)
	}
	bad := maps.Clone(files)
	bad["a.txt"] = []byte("One")
	bad["extra"] = nil
	delete(bad, "dir/b.txt")
	err := CheckSums(bad)
	for _, why := range []string{"a.txt: changed", "dir/b.txt: missing", "extra: an extra file"} {
		refused(t, err, why)
	}
	delete(files, SumsFile)
	refused(t, CheckSums(files), "SHA256SUMS: missing")
}

func TestSums_AgreeWithCoreutils(t *testing.T) {
	files := sample()
	files[SumsFile] = Sums(files)
	cmd := exec.Command("sha256sum", "--strict", "--check", SumsFile)
	cmd.Dir = lay(t, files)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestQuote_Short(t *testing.T) {
	if got := Quote(strings.Repeat("x", 300)); len(got) > 210 || !strings.HasSuffix(got, `…"`) {
		t.Errorf("got %d bytes", len(got))
	}
}
