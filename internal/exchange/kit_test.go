package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
)

// pinImage names an image in the plan.
func pinImage(t *testing.T, dir, digest string) {
	t.Helper()
	path := filepath.Join(dir, trustdir.PlanFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "    token: 10000001\n", "    token: 10000001\n    image_sha256: "+digest+"\n    witnesses: [Cleo]\n", 1)
	if changed == string(text) {
		t.Fatalf("no ceremony in:\n%s", text)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKit_ImageOfThePlanAlone(t *testing.T) {
	dir, image := rootOnly(t), []byte("an image")
	sum := sha256.Sum256(image)
	err := CheckImage(open(t, dir), "", image)
	if fault.ExitCode(err) != int(fault.Usage) || !strings.Contains(err.Error(), "has no image_sha256") {
		t.Errorf("a plan without an image: %v", err)
	}
	pinImage(t, dir, hex.EncodeToString(sum[:]))
	if err := CheckImage(open(t, dir), "", image); err != nil {
		t.Errorf("the image of the plan: %v", err)
	}
	err = CheckImage(open(t, dir), "", []byte("another image"))
	if fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("another image: %v", err)
	}
}

func TestKit_Files(t *testing.T) {
	dir, image := rootOnly(t), []byte("an image")
	sum := sha256.Sum256(image)
	pinImage(t, dir, hex.EncodeToString(sum[:]))
	stick := t.TempDir()
	r, err := Create(open(t, dir), "", stick, nil, morning)
	if err != nil {
		t.Fatal(err)
	}
	kit, err := WriteKit(r, map[string][]byte{KitImage: image, "trustroot-offline": []byte("a program")})
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = kit
	if out, err := check.CombinedOutput(); err != nil || strings.Count(string(out), ": OK") != 6 {
		t.Errorf("%v:\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(kit, kitScript))
	if err != nil {
		t.Fatal(err)
	}
	sheets := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(string(data), " ")), " ")
	for _, want := range []string{pki.HexGroups(sum[:]), pki.Words(sum[:]), "Cleo witness", "31 32 Before"} {
		if !strings.Contains(sheets, want) {
			t.Errorf("the script do not have %q:\n%s", want, data)
		}
	}
	digest := r.Digest()
	if strings.Contains(sheets, strings.Join(strings.Fields(pki.Words(digest[:]))[:3], " ")) {
		t.Error("the script have the request's words, which come from another machine")
	}
	// the kit is not a request: the menu and request show find one beside it
	if _, err := request.Open(kit); err == nil {
		t.Error("the kit is taken for a request")
	}
	if _, err := WriteKit(r, nil); err == nil {
		t.Error("a kit was written over another")
	}
}
