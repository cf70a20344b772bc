package rehearse

import (
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/term"
)

func TestRoomNotice_WordsKeepTheirLines(t *testing.T) {
	got := term.Sprintf("%s", roomNotice("Digest\nIn numbered words:\n   1 aardvark\n   2 kiwi\n"))
	if !strings.Contains(got, "request:\n   1 aardvark\n   2 kiwi\n") || strings.Contains(got, "Digest") {
		t.Error(got)
	}
}
