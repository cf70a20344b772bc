package exchange

import (
	"crypto/elliptic"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/logkey"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

var morning = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// rootOnly is a trust directory whose ceremony makes a root and nothing else,
// with the exported key of one log.
func rootOnly(t *testing.T) string {
	t.Helper()
	text, err := plan.Example{
		Organization: "example.com", Name: "Example", Domain: "example.com", NotBefore: morning, Token: 10000001, Threshold: 2,
		Holders: []plan.ExampleHolder{{Name: "ada", Token: 10000002}, {Name: "ben", Token: 10000003}},
	}.Render()
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Parse("pki.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	delete(p.Authorities, "fulcio")
	delete(p.Authorities, "tsa")
	key := testpki.Key(t, elliptic.P256())
	if p.Logs["rekor"].Generations[0].SPKISHA256, err = pki.SPKISHA256(key.Public()); err != nil {
		t.Fatal(err)
	}
	if text, err = p.Marshal(); err != nil {
		t.Fatal(err)
	}
	public, err := pki.EncodePublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/logs/rekor/g1", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{trustdir.PlanFile: text, "logs/rekor/g1/key.pem": public} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := trustdir.Init(dir, "", "", morning); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *trustdir.Dir {
	t.Helper()
	d, err := trustdir.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A request that the ledger could not take in must not stay on the stick: the
// next one would have the same number.
func TestCreateRequest_TakenAwayWhenTheLedgerMovedOn(t *testing.T) {
	dir, stick := rootOnly(t), t.TempDir()
	slow, quick := open(t, dir), open(t, dir)
	if _, err := logkey.Add(quick, "rekor", morning); err != nil {
		t.Fatal(err)
	}
	_, err := Create(slow, "", stick, nil, morning)
	if err == nil || !strings.Contains(err.Error(), "the request was taken away again") {
		t.Fatalf("got %v", err)
	}
	if entries, err := os.ReadDir(stick); err != nil || len(entries) != 0 {
		t.Errorf("left on the stick: %v %v", entries, err)
	}
	if r, err := Create(open(t, dir), "", stick, nil, morning); err != nil || r.Manifest.Sequence != 1 {
		t.Errorf("the next run: %v", err)
	}
}

func TestCreateRequest_CSRWithoutAnExternalAuthority(t *testing.T) {
	d := open(t, rootOnly(t))
	key := testpki.Key(t, elliptic.P384())
	csr, err := pki.NewRequest(pki.Subject{Organization: "example.com", CommonName: "Example"}, key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Create(d, "founding", t.TempDir(), map[string][]byte{"x.csr": csr}, morning)
	if fault.ExitCode(err) != int(fault.Usage) || !strings.Contains(err.Error(), "x.csr: the plan has no authority in ceremony founding whose key is external") {
		t.Errorf("got %v", err)
	}
}
