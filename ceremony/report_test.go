package ceremony

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/pki"
)

// overflowing names every element that reaches out of the page or hides some
// of its text.
const overflowing = `JSON.stringify([...document.body.querySelectorAll('*')].filter(e => {
	const r = e.getBoundingClientRect();
	return r.right > document.documentElement.clientWidth + 1 || r.left < -1 || (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1);
}).map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 60)))`

// empty names every element of text that takes no room.
const empty = `JSON.stringify([...document.body.querySelectorAll('h1,h2,h3,dd,dt,.node,li')].filter(e => {
	const r = e.getBoundingClientRect();
	return e.textContent.trim() === '' && e.tagName !== 'TD' || r.width === 0 || r.height === 0;
}).map(e => e.tagName + ' ' + e.textContent.slice(0, 60)))`

func TestReport_InABrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	founding := w.hold(w.founding())
	renewal := w.hold(w.renewal(founding))
	b := newBrowser(t)
	for name, v := range map[string]*Verified{"founding": founding, "renewal": renewal} {
		page, err := Report(v)
		must(t, err)
		later := filepath.Join(t.TempDir(), name+".html")
		must(t, os.WriteFile(later, page, 0o644))
		for _, path := range []string{filepath.Join(v.Record.Path, record.SealedDir, record.Report), later} {
			// A4 at 96 dots an inch, and a small phone
			b.shows(t, path, v, 794, 1123, false)
			b.shows(t, path, v, 360, 740, true)
		}
	}
}

// shows wants the page whole at a size: nothing overflows, nothing is missing,
// and there is something to see.
func (b *browser) shows(t *testing.T, path string, v *Verified, width, height int, mobile bool) {
	t.Helper()
	b.open("file://"+path, width, height, mobile)
	if got := b.evaluate(overflowing); got != "[]" {
		t.Errorf("%s at %d pixels overflows: %s", filepath.Base(path), width, got)
	}
	if got := b.evaluate(empty); got != "[]" {
		t.Errorf("%s at %d pixels has empty elements: %s", filepath.Base(path), width, got)
	}
	text := strings.Join(strings.Fields(b.evaluate("document.body.innerText")), " ")
	for _, want := range wanted(v) {
		if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%s at %d pixels does not show %q", filepath.Base(path), width, want)
		}
	}
	shot, ok := b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})["data"].(string)
	if !ok {
		t.Fatal("no screenshot")
	}
	png, err := base64.StdEncoding.DecodeString(shot)
	must(t, err)
	if len(png) < 20_000 {
		t.Errorf("the screenshot has only %d bytes", len(png))
	}
	if dir := os.Getenv("CEREMONY_SCREENSHOTS"); dir != "" {
		name := strings.TrimSuffix(filepath.Base(path), ".html") + "-" + v.Request.Manifest.Ceremony + map[bool]string{true: "-phone", false: "-a4"}[mobile] + ".png"
		must(t, os.WriteFile(filepath.Join(dir, name), png, 0o644))
	}
}

// wanted is the text that a report must show.
func wanted(v *Verified) []string {
	digest := v.Request.Digest()
	want := []string{
		"REHEARSAL: the token is virtual", "The tree", "What happened?", "Certificates", "Who did what when", "Signatures",
		pki.HexGroups(digest[:]), pki.Words(digest[:]), "remembers request", "O=example.com REHEARSAL",
	}
	for _, i := range v.Issued {
		sum := digestOf(i.Certificate.Raw)
		want = append(want, i.Certificate.Subject.String(), pki.HexGroups(sum), pki.Words(sum), pki.SerialHex(i.Certificate.SerialNumber))
		for _, line := range pki.Describe(i.Certificate) {
			_, value, _ := strings.Cut(line, ": ")
			want = append(want, value)
		}
	}
	return want
}

func TestReport_SelfContained(t *testing.T) {
	w := newWorld(t)
	page := string(w.hold(w.founding()).Record.Files[record.Report])
	for _, not := range []string{"<script", "<link", "<img", "@import", "url(", " src=", "http-equiv=\"refresh"} {
		if strings.Contains(page, not) {
			t.Errorf("the page holds %q", not)
		}
	}
}

func TestReport_EscapesWhatItShows(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	o := w.options(r)
	o.AllowNetwork, o.Host.Interfaces = true, []string{"<script>alert(1)</script>"}
	path, err := Root(t.Context(), o)
	must(t, err)
	if page := string(w.verify(path).Record.Files[record.Report]); strings.Contains(page, "<script") {
		t.Error("a name on the host became markup")
	}
}
