package device

import (
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

func TestCountingPrompter_CountsUntilTouched(t *testing.T) {
	var out strings.Builder
	p := NewCountingPrompter(&term.Script{Out: &out})
	p.every = time.Millisecond
	id := yubikey.Identity{Serial: 7}
	p.Touch(id, "9c", true)
	time.Sleep(50 * time.Millisecond)
	p.Touch(id, "9c", false)
	text := out.String()
	for _, want := range []string{"Touch YubiKey 7 now", "10 seconds are left", "5 seconds are left"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	p.every = time.Hour
	p.Touch(id, "9c", true)
	p.Touch(id, "9c", false) // ends at once
	if strings.Count(out.String(), "seconds") != 2 {
		t.Errorf("it counts after the touch: %q", out.String())
	}
}
