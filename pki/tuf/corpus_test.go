package tuf

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
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

// corpusDay is when the repositories of the corpus are judged.
var corpusDay = time.Date(2026, 8, 22, 0, 0, 0, 0, time.UTC)

// corpus unpacks the repositories of others, which are not part of the tree.
func corpus(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("TRUSTROOT_CORPUS")
	if shared == "" {
		t.Skip("TRUSTROOT_CORPUS names no folder of others' repositories: nothing to verify")
	}
	data, err := os.ReadFile(filepath.Join(shared, "data", "tuf.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(zip); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return filepath.Join(dir, "tuf")
		}
		if err != nil {
			t.Fatal(err)
		}
		if head.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(head.Name))
		content, err := io.ReadAll(r)
		// the archive has the name of a key ring rewritten, and with it every
		// signature of public-good broken
		content = bytes.ReplaceAll(content, []byte("keyRingsHOME/"), []byte("keyRings/root/"))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// asGoTUF is what go-tuf's client says: it updates from a root and downloads
// every target.
func asGoTUF(t *testing.T, dir string, root []byte) error {
	t.Helper()
	src, done, err := openSource(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	c, err := newClient(t.Context(), src, root, corpusDay, "")
	if err != nil {
		return err
	}
	names := map[string]bool{}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := metadata.Targets().FromBytes(data); err == nil {
			for name := range d.Signed.Targets {
				names[name] = true
			}
		}
	}
	for name := range names {
		if _, err := targetOf(c, name); err != nil {
			return err
		}
	}
	return nil
}

// compare lets go-tuf and Verify judge a repository from each of its roots.
func compare(t *testing.T, dir string, roots map[int][]byte) (accepted int, warnings []string) {
	t.Helper()
	for version, root := range roots {
		theirs := asGoTUF(t, dir, root)
		report, ours := Verify(t.Context(), dir, root, corpusDay, Theirs())
		if (theirs == nil) != (ours == nil) {
			t.Errorf("root %d: go-tuf says %v, Verify says %v", version, theirs, ours)
		}
		if theirs != nil {
			t.Logf("root %d: go-tuf says %v", version, theirs)
		}
		if ours == nil {
			accepted++
			warnings = append(warnings, report.Warnings...)
			for _, role := range report.Roles {
				if len(role.Signed) < role.Threshold {
					t.Errorf("root %d: %s is accepted with %d of %d signatures", version, role.Role, len(role.Signed), role.Threshold)
				}
			}
		}
	}
	return accepted, warnings
}

func rootsIn(t *testing.T, dir string) map[int][]byte {
	t.Helper()
	out := map[int][]byte{}
	for version := 1; ; version++ {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.root.json", version)))
		if errors.Is(err, os.ErrNotExist) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out[version] = data
	}
}

// otherDigit is a document with its last digit changed, which is in the signed part.
func otherDigit(data []byte) []byte {
	out := bytes.Clone(data)
	out[bytes.LastIndexAny(out, "0123456789")] ^= 1
	return out
}

// TestVerify_RepositoriesOfOthers holds Verify to go-tuf's client over two real
// repositories, from each of their roots, whole and damaged.
func TestVerify_RepositoriesOfOthers(t *testing.T) {
	needs.Time(t)
	for name, want := range map[string]struct {
		roots    int
		warnings []string // what each of them must warn of
	}{
		"public-good": {11, []string{`type "ecdsa-sha2-nistp256"`, "its own ID is", "root 5, role root: key ", "root 5, role targets: key "}},
		"staging":     {14, []string{`type "ecdsa-sha2-nistp256"`, "its own ID is", "root 2, role "}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(corpus(t), name)
			roots := rootsIn(t, dir)
			accepted, warnings := compare(t, dir, roots)
			t.Logf("%d of %d roots", accepted, len(roots))
			if accepted < want.roots {
				t.Errorf("only %d roots are accepted", accepted)
			}
			all := strings.Join(warnings, "\n")
			for _, text := range want.warnings {
				if !strings.Contains(all, text) {
					t.Errorf("no warning %q in\n%s", text, all)
				}
			}
			newest := len(roots)
			last := map[int][]byte{newest: roots[newest], newest - 1: roots[newest-1]}

			// clients that start later never ask for the first root
			if err := os.Remove(filepath.Join(dir, "1.root.json")); err != nil {
				t.Fatal(err)
			}
			if accepted, warnings = compare(t, dir, last); accepted != 2 || !strings.Contains(strings.Join(warnings, "\n"), "1.root.json is missing") {
				t.Errorf("without the first root: %d accepted, %q", accepted, warnings)
			}
			// our own repositories keep their rules
			if _, err := Verify(t.Context(), dir, roots[newest], corpusDay); err == nil {
				t.Error("as our own it is accepted too")
			}
			for _, damage := range []string{"timestamp.json", "*.snapshot.json", "*.targets.json", "targets/*.trusted_root.json"} {
				paths, err := filepath.Glob(filepath.Join(dir, damage))
				if err != nil || len(paths) != 1 {
					t.Fatal(paths, err)
				}
				data, err := os.ReadFile(paths[0])
				if err != nil {
					t.Fatal(err)
				}
				for what, broken := range map[string][]byte{"changed": otherDigit(data), "cut": data[:len(data)/2]} {
					if err := os.WriteFile(paths[0], broken, 0o600); err != nil {
						t.Fatal(err)
					}
					if accepted, _ := compare(t, dir, last); accepted != 0 {
						t.Errorf("%s %s: accepted", damage, what)
					}
				}
				if err := os.WriteFile(paths[0], data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
