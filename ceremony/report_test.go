package ceremony

import (
	"html/template"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/pki"
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

func TestPublicReport_WithholdsPeople(t *testing.T) {
	w := newWorld(t)
	v := w.hold(w.founding())
	digest := v.Record.Digest()
	show := func(o Public) string {
		page, err := PublicReport(v, o)
		must(t, err)
		return strings.Join(strings.Fields(string(page)), " ")
	}
	page := show(Public{})
	for _, not := range []string{"Ada", "Ben", "Cy ", "10000001", "<script", "<link", "<img", " src="} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
	groups := strings.Fields(pki.HexGroups(digest[:]))
	for _, want := range []string{strings.Join(groups[:8], " "), strings.Join(groups[8:], " "), "Fulcio CA", "(serial number withheld)", "REHEARSAL", "trustroot ceremony verify"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	for _, c := range v.Claims {
		if !strings.Contains(page, template.HTMLEscapeString(c.Text)) {
			t.Errorf("the page does not hold the claim %q", c.Text)
		}
	}
	if page := show(Public{Names: true, Serials: true}); !strings.Contains(page, "10000001") || strings.Contains(page, "withheld") {
		t.Error("what is allowed is not shown")
	}
}

// A page in which something is left that is not allowed is not written.
func TestPublicReport_RefusesWhatItCannotHide(t *testing.T) {
	w := newWorld(t)
	v := w.hold(w.founding())
	c := v.Request.Plan.Ceremonies[v.Request.Manifest.Ceremony]
	c.Operators = []string{"Fulcio"} // stands in the certificates, too
	v.Request.Plan.Ceremonies[v.Request.Manifest.Ceremony] = c
	if page, err := PublicReport(v, Public{}); err == nil || page != nil || !strings.Contains(err.Error(), "a name that is not allowed") {
		t.Errorf("%d bytes, %v", len(page), err)
	}
}
