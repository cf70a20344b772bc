package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// overflowing names every element that reaches out of the page or hides some
// of its text.
const overflowing = `JSON.stringify([...document.body.querySelectorAll('*')].filter(e => {
	const r = e.getBoundingClientRect();
	return r.right > document.documentElement.clientWidth + 1 || r.left < -1 || (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1);
}).map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 60)))`

// empty names every element of text that takes no room.
const empty = `JSON.stringify([...document.body.querySelectorAll('h1,h2,h3,dd,dt,.node,.rows span,li')].filter(e => {
	const r = e.getBoundingClientRect();
	return e.textContent.trim() === '' && e.tagName !== 'TD' || r.width === 0 || r.height === 0;
}).map(e => e.tagName + ' ' + e.textContent.slice(0, 60)))`

// sheets are what a report is read on: A4 at 96 dots an inch, the same between
// the margins of a printer, and a small phone.
var sheets = []sheet{
	{name: "a4", width: 794, height: 1123},
	{name: "print", width: 673, height: 1001, print: true},
	{name: "phone", width: 360, height: 740, phone: true},
}

// TestRehearse_ReportsInABrowser looks at the report that each record of a
// rehearsal seals, and at the one that is written of it afterwards.
func TestRehearse_ReportsInABrowser(t *testing.T) {
	needs.Time(t)
	needs.Program(t, "chromium")
	needs.That(t, virtual.Missing())
	t.Parallel()
	trustroot, dir := program(t), filepath.Join(t.TempDir(), "r")
	for _, args := range [][]string{{"rehearse"}, {"rehearse", "renew"}} {
		if text, err := exec.Command(trustroot, append(args, "--out", dir)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	records, err := filepath.Glob(filepath.Join(dir, "ceremonies", "*"))
	must(t, err)
	if len(records) != 2 {
		t.Fatalf("records: %v", records)
	}
	b := newBrowser(t)
	for _, path := range records {
		v, err := ceremony.Verify(path, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: true})
		must(t, err)
		later := filepath.Join(t.TempDir(), "later.html")
		if text, err := exec.Command(trustroot, "ceremony", "report", "--rehearsal", "--out", later, path).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		script := filepath.Join(t.TempDir(), "script.html")
		request := filepath.Join(path, record.SealedDir, record.RequestDir)
		if text, err := exec.Command(trustroot, "ceremony", "script", "--out", script, request).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, s := range sheets {
			b.holds(t, script, v, s)
		}
		for _, page := range []string{filepath.Join(path, record.SealedDir, record.Report), later} {
			for _, s := range sheets {
				b.shows(t, page, v, s)
			}
		}
	}
}

// holds wants a script from which the day can be held: every step, and nothing
// that overflows.
func (b *browser) holds(t *testing.T, path string, v *ceremony.Verified, s sheet) {
	t.Helper()
	b.open("file://"+path, s)
	if got := b.evaluate(overflowing); got != "[]" {
		t.Errorf("the script of %s overflows at %s: %s", v.Request.Manifest.Ceremony, s.name, got)
	}
	text := b.evaluate("document.body.innerText")
	for _, step := range ceremony.Steps(v.Request) {
		if !strings.Contains(text, step.Title) {
			t.Errorf("the script does not show %q", step.Title)
		}
	}
	for _, sheet := range []string{"Media and bags", "Exception sheet", "signature", "initials"} {
		if !strings.Contains(text, sheet) {
			t.Errorf("the script does not show %q", sheet)
		}
	}
}

// shows wants the page whole at a size: nothing overflows, nothing is missing,
// and there is something to see.
func (b *browser) shows(t *testing.T, path string, v *ceremony.Verified, s sheet) {
	t.Helper()
	what := strings.Join([]string{v.Request.Manifest.Ceremony, strings.TrimSuffix(filepath.Base(path), ".html"), s.name}, "-")
	b.open("file://"+path, s)
	if got := b.evaluate(overflowing); got != "[]" {
		t.Errorf("%s overflows: %s", what, got)
	}
	if got := b.evaluate(empty); got != "[]" {
		t.Errorf("%s has empty elements: %s", what, got)
	}
	// verdict, the root's fingerprint and the signatures are the first sheet
	if first := b.evaluate("document.querySelector('section').getBoundingClientRect().bottom <= " + strconv.Itoa(s.height)); s.print && first != "true" {
		t.Errorf("%s does not have the signatures on its first sheet", what)
	}
	text := strings.Join(strings.Fields(b.evaluate("document.body.innerText")), " ")
	for _, want := range wanted(v) {
		if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%s does not show %q", what, want)
		}
	}
	b.shot(what)
}

// wanted is the text that a report must show.
func wanted(v *ceremony.Verified) []string {
	digest := v.Request.Digest()
	want := []string{
		"REHEARSAL: the token is virtual", "The tree", "What happened?", "Certificates", "who did what when", "Signatures", "Ended: everything that request",
		pki.HexGroups(digest[:]), pki.Words(digest[:]), "remembers request", "O=example.com REHEARSAL",
	}
	for _, i := range v.Issued {
		sum := sha256.Sum256(i.Certificate.Raw)
		want = append(want, i.Certificate.Subject.String(), pki.HexGroups(sum[:]), pki.Words(sum[:]), pki.SerialHex(i.Certificate.SerialNumber))
		for _, line := range pki.Describe(i.Certificate) {
			_, value, _ := strings.Cut(line, ": ")
			if at := strings.LastIndex(value, " "); len(value)-at == 65 { // a digest stands in rows, as every one does
				pin, err := hex.DecodeString(value[at+1:])
				value = value[:max(at, 0)]
				if err == nil {
					want = append(want, pki.HexGroups(pin))
				}
			}
			want = append(want, value)
		}
	}
	return want
}
