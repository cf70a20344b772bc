package rehearse

import (
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestParseTouch(t *testing.T) {
	for _, text := range []string{"", "never", "refused", "2s"} {
		if _, err := parseTouch(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"soon", "-1s", "2"} {
		if _, err := parseTouch(text); fault.ExitCode(err) != int(fault.Usage) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
