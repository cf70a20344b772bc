package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

// unreadable names every text whose colour stands out too little from what is
// behind it (WCAG 2.2, 1.4.3).
const unreadable = `JSON.stringify([...document.body.querySelectorAll('*')].filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).filter(e => {
	const parts = c => (c.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
	const light = c => parts(c).slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor, p = parts(c); if (p.length === 3 || p[3] === 1) return c; } return 'rgb(255, 255, 255)'; };
	const drawn = e.closest('svg');
	const a = light(drawn ? getComputedStyle(e).fill : getComputedStyle(e).color);
	const b = light(drawn ? getComputedStyle(drawn.querySelector('.tl-page')).fill : behind(e));
	return e.tagName !== 'title' && e.tagName !== 'style' && (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
}).map(e => e.tagName + ' ' + e.textContent.slice(0, 60)))`

// cut names every label of a drawing that reaches out of it, into the bars or into
// another label, and every two entries of a role that look the same.
const cut = `JSON.stringify([...document.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width > 0).flatMap(svg => {
	const texts = [...svg.querySelectorAll('text')].map(t => ({text: t.textContent, name: t.classList.contains('tl-name'), role: t.classList.contains('tl-role'), box: t.getBBox()}));
	const wrong = [];
	let names = [];
	for (const [i, t] of texts.entries()) {
		if (t.role) names = [];
		if (t.name && names.includes(t.text)) wrong.push('twice: ' + t.text);
		if (t.name) names.push(t.text);
		if (t.box.x < 0 || t.box.x + t.box.width > svg.viewBox.baseVal.width || svg.viewBox.baseVal.width > 500 && t.name && t.box.x + t.box.width > 300) wrong.push('cut: ' + t.text);
		for (const o of texts.slice(0, i)) {
			if (o.box.x < t.box.x + t.box.width && t.box.x < o.box.x + o.box.width && o.box.y + 3 < t.box.y + t.box.height && t.box.y + 3 < o.box.y + o.box.height) wrong.push(o.text + ' over ' + t.text);
		}
	}
	return wrong;
}))`

// pages are what the portal and the time lines are read on. 390 is the width of
// the phones that most people have.
var pages = []sheet{
	{name: "desk", width: 1280, height: 900}, {name: "desk-dark", width: 1280, height: 900, dark: true},
	{name: "print", width: 673, height: 1001, print: true, dark: true},
	{name: "phone", width: 390, height: 844, phone: true}, {name: "phone-dark", width: 390, height: 844, phone: true, dark: true},
}

// picturesHold looks at the portal and the time lines of a trust directory in a
// browser: nothing overflows or is cut, and every word can be read.
func picturesHold(t *testing.T, dir string, now time.Time) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Log("no picture was looked at: chromium is not here; scripts/setup --tests installs it")
		return
	}
	svg := filepath.Join(t.TempDir(), "timeline.svg")
	var out strings.Builder
	f := &cmdutil.Factory{Out: &out, Err: &out, Now: now, Dir: dir}
	if code := cmdutil.Execute(t.Context(), f, programs.Trustroot(f), []string{"trusted-root", "show", "--svg", svg}); code != 0 {
		t.Fatalf("trusted-root show: exit code %d\n%s", code, out.String())
	}
	drawing, err := os.ReadFile(svg)
	must(t, err)
	page := filepath.Join(t.TempDir(), "timeline.html") // as the portal and a readme show it
	must(t, os.WriteFile(page, append([]byte("<!doctype html><meta charset=utf-8><body style='margin:0;overflow-x:auto'>"), drawing...), 0o600))
	b := newBrowser(t)
	for _, s := range pages {
		for name, path := range map[string]string{"portal": filepath.Join(dir, "trust", "index.html"), "timeline": page} {
			b.open("file://"+path, s)
			checks := map[string]string{"is cut": cut, "cannot be read": unreadable}
			if name == "portal" {
				checks["overflows"] = strings.Replace(overflowing, "body.querySelectorAll('*')", "body.querySelectorAll('*:not(.lines *)')", 1)
				checks["is empty"] = empty
			}
			for what, check := range checks {
				if got := b.evaluate(check); got != "[]" {
					t.Errorf("%s at %s %s: %s", name, s.name, what, got)
				}
			}
			b.shot(name + "-" + s.name)
		}
	}
}

// TestPictures_PortalAndTimeLines looks at those of a rehearsal. scripts/decade
// does the same after twelve years.
func TestPictures_PortalAndTimeLines(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	picturesHold(t, rehearsed(t, "PICTURES_DIR"), time.Now().UTC())
}
