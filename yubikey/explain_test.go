//go:build cgo

package yubikey

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// a new piv-go that words its errors otherwise must be noticed here.
func TestExplain_TextsArePIVGos(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-piv/piv-go/v2").Output()
	mustDo(t, err)
	var source strings.Builder
	for _, name := range []string{"pcsc_errors.go", "pcsc_unix.go", "piv.go", "key.go"} {
		b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "piv", name))
		mustDo(t, err)
		source.Write(b)
	}
	texts := []string{textAuthenticating, textChallenge, textKeyLength, textVerified, textCommand, textNoCard}
	for _, e := range pcscTexts {
		texts = append(texts, strings.TrimSuffix(e.text, " 0"))
	}
	for _, text := range texts {
		if !strings.Contains(source.String(), text) {
			t.Errorf("piv-go does not say %q", text)
		}
	}
}
