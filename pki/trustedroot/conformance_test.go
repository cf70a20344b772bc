package trustedroot_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// TestConformance checks every fixture of sigstore-conformance that has a
// trusted root of its own, as the suite wants. testdata/conformance.txt lists
// those that end otherwise, each with its reason; the list only shrinks.
func TestConformance(t *testing.T) {
	corpus := os.Getenv("TRUSTROOT_CORPUS")
	if corpus == "" {
		t.Skip("TRUSTROOT_CORPUS is not set: the fixtures of sigstore-conformance are not here")
	}
	expected := map[string]string{}
	list, err := os.Open("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }() // it was only read
	for lines := bufio.NewScanner(list); lines.Scan(); {
		if name, reason, ok := strings.Cut(lines.Text(), ": "); ok && !strings.HasPrefix(name, "#") {
			expected[name] = reason
		}
	}
	roots, err := filepath.Glob(filepath.Join(corpus, "data", "sigstore-conformance", "bundle-verify", "*", "trusted_root.json"))
	if err != nil || len(roots) < 38 {
		t.Fatalf("%d fixtures: %v", len(roots), err)
	}
	for _, root := range roots {
		dir := filepath.Dir(root)
		name := filepath.Base(dir)
		read := func(file string) []byte {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			return data
		}
		_, err := judge.CheckBundles(read("trusted_root.json"), judge.Bundle{Name: name, Data: read("bundle.sigstore.json"), Key: read("key.pub")})
		right := (err == nil) != strings.HasSuffix(name, "_fail")
		switch reason, listed := expected[name]; {
		case !right && !listed:
			t.Errorf("%s: %v", name, err)
		case right && listed:
			t.Errorf("%s ends as the suite wants; remove its line (%s)", name, reason)
		}
	}
}
