package inspection

import (
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// FuzzParse holds that no statement ends the program, and that none without an
// attestation of Yubico's is believed.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"serial":1,"slot":"9c","at":"2026-11-02T09:00:00Z","pin_tries":5,"puk_tries":5,"by":["Ada","Ben"],"where":"safe","slot_certificate":"","device_certificate":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		if _, err := s.Verify(attestation.Yubico()); err == nil {
			t.Fatal("a statement that no token made is believed")
		}
	})
}

func TestParse_Refuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"version":2}`:            "version 2",
		`{"version":1,"serail":1}`: "serail",
		`{"version":1}{}`:          "read the inspection",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
