package ceremony

import (
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
)

func TestReport_SelfContained(t *testing.T) {
	w := newWorld(t)
	page := string(w.hold(w.founding()).Record.Files[record.Report])
	for _, not := range []string{"<script", "<link", "<img", "@import", "url(", " src=", "http-equiv=\"refresh"} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
}

// TestReport_ListsNoChangeThatWasNone: a renewal finds the record key that the
// founding made.
func TestReport_ListsNoChangeThatWasNone(t *testing.T) {
	w := newWorld(t)
	made := "record key was made in slot 82"
	founding := w.hold(w.founding())
	if page := string(founding.Record.Files[record.Report]); !strings.Contains(page, made) {
		t.Error("the founding's report does not say that the record key was made")
	}
	if page := string(w.hold(w.renewal(founding)).Record.Files[record.Report]); strings.Contains(page, made) {
		t.Error("the renewal's report says that a record key was made")
	}
}

func TestReport_EscapesWhatItShows(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	o := w.options(r)
	o.AllowNetwork, o.Host.Interfaces = true, []string{"<script>alert(1)</script>"}
	path, err := Run(t.Context(), o)
	must(t, err)
	if page := string(w.verify(path).Record.Files[record.Report]); strings.Contains(page, "<script") {
		t.Error("a name on the host became markup")
	}
}
