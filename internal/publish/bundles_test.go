package publish

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// archive is a trust directory with bundles of one application, signed by a key
// and by a certificate.
func archive(t *testing.T, withApp bool) (d *trustdir.Dir, trustedRoot []byte) {
	t.Helper()
	dir := t.TempDir()
	given := filepath.Join("..", "gate", "testdata", "archive")
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(trustdir.PlanFile, read(filepath.Join("..", "..", "pki", "plan", "testdata", "full.yaml")))
	write("bundles/g1/key.json", read(filepath.Join(given, "key.json")))
	write("bundles/g1/keyless.json", read(filepath.Join(given, "keyless.json")))
	name := filepath.Join(dir, trustdir.LedgerFile)
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	if err := ledger.Create(name, ledger.Created{Organization: "example.com"}, now); err != nil {
		t.Fatal(err)
	}
	if withApp {
		text := read(filepath.Join(given, "app.pem"))
		key, err := pki.ParsePublicKey(text)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := pki.SPKISHA256(key)
		if err != nil {
			t.Fatal(err)
		}
		write("apps/deploy/g1/key.pem", text)
		app := ledger.App{Name: "deploy", Generation: 1, SPKISHA256: spki, File: ledger.File{Path: "apps/deploy/g1/key.pem", SHA256: digest.Hex(text)}}
		if _, err := ledger.Append(name, "", now, ledger.Entry{App: &app}); err != nil {
			t.Fatal(err)
		}
	}
	d, err := trustdir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d, read(filepath.Join(given, "trusted_root.json"))
}

// What an application's key signed is judged with the ledger's key before
// anything is published.
func TestCheckArchived_BundlesOfApplications(t *testing.T) {
	d, trustedRoot := archive(t, true)
	if err := checkArchived(d, trustedRoot); err != nil {
		t.Error(err)
	}
	bundles, err := Bundles(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bundles {
		if byKey := strings.HasSuffix(b.Name, "key.json"); byKey != (b.Key != nil) {
			t.Errorf("%s: key %t", b.Name, b.Key != nil)
		}
	}
	stranger, _ := archive(t, false)
	if err := checkArchived(stranger, trustedRoot); err == nil || !strings.Contains(err.Error(), "bundles/g1/key.json: a key signed it, and none that is known here") {
		t.Errorf("a key of no application: %v", err)
	}
}
