package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/needs"
)

// TestConformance_TrustedRootCheck puts the fixtures of sigstore-conformance
// that have a trusted root of their own through the command, and expects what
// the judge's own test does. cosign does not take part.
func TestConformance_TrustedRootCheck(t *testing.T) {
	needs.Time(t)
	corpus := os.Getenv("TRUSTROOT_CORPUS")
	if corpus == "" {
		t.Skip("TRUSTROOT_CORPUS is not set: the fixtures of sigstore-conformance are not here")
	}
	list, err := os.ReadFile("../../pki/trustedroot/testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	otherwise := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(list)); lines.Scan(); {
		if name, _, ok := strings.Cut(lines.Text(), ": "); ok && !strings.HasPrefix(name, "#") {
			otherwise[name] = true
		}
	}
	roots, err := filepath.Glob(filepath.Join(corpus, "data", "sigstore-conformance", "bundle-verify", "*", "trusted_root.json"))
	if err != nil || len(roots) < 38 {
		t.Fatalf("%d fixtures: %v", len(roots), err)
	}
	self := program(t)
	for _, root := range roots {
		dir := filepath.Dir(root)
		name := filepath.Base(dir)
		args := []string{"trusted-root", "check", root, "--bundle", filepath.Join(dir, "bundle.sigstore.json")}
		if key := filepath.Join(dir, "key.pub"); exists(key) {
			args = append(args, "--key", key)
		}
		cmd := exec.Command(self, args...)
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "PATH=")
		text, err := cmd.CombinedOutput()
		if bytes.Contains(text, []byte("panic:")) {
			t.Errorf("%s panics:\n%s", name, text)
		}
		if right := (err == nil) != strings.HasSuffix(name, "_fail"); right == otherwise[name] {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
