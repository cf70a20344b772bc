package trustedroot

import (
	"bytes"
	"fmt"
	"html"
	"strings"
)

// Sizes of the drawing, in SVG units.
const (
	svgWidth  = 960
	svgLeft   = 300
	svgRow    = 26
	svgHeader = 40
)

// SVG draws the view as one self-contained image: no script, no font or style
// from elsewhere. A solid bar is a window that has an end, a bar with a paler
// fill one that is open; the vertical line is the instant asked for.
func (v *View) SVG() []byte {
	rows := 0
	for _, r := range v.Roles {
		rows += 1 + max(1, len(r.Entries))
	}
	height := svgHeader + rows*svgRow + 10
	scale := v.axis(svgWidth - svgLeft - 20)
	x := func(part float64) float64 { return svgLeft + part*float64(scale.columns) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif" font-size="13">`+"\n", svgWidth, height, svgWidth, height)
	fmt.Fprintf(&b, "<title>Windows of the trusted root at %s</title>\n", stamp(v.At))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", svgWidth, height)
	for _, t := range scale.ticks(12) {
		at := x(scale.part(t))
		fmt.Fprintf(&b, `<path d="M%.1f %d V%d" stroke="#ddd"/><text x="%.1f" y="20" fill="#555">%d</text>`+"\n", at, svgHeader-12, height-10, at+3, t.Year())
	}
	y := svgHeader
	for _, r := range v.Roles {
		fmt.Fprintf(&b, `<text x="10" y="%d" font-weight="600" fill="#111">%s</text>`+"\n", y+17, html.EscapeString(r.Title))
		y += svgRow
		if len(r.Entries) == 0 {
			fmt.Fprintf(&b, `<text x="22" y="%d" fill="#777">none</text>`+"\n", y+17)
			y += svgRow
		}
		for _, e := range r.Entries {
			from, to := 0.0, 1.0
			if !e.Start.IsZero() {
				from = scale.part(e.Start)
			}
			if until := e.span.until(); !until.IsZero() {
				to = scale.part(until)
			}
			fill, opacity := "#2f6f9f", "1"
			if e.End == nil {
				opacity = "0.45"
			}
			if !e.Current {
				fill = "#8a8f98"
			}
			label := clip(commonName(e.label()), 36)
			if e.Compromised {
				fill, label = "#b3261e", clip(commonName(e.label()), 24)+"  COMPROMISED"
			}
			fmt.Fprintf(&b, `<text x="22" y="%d" fill="#333">%s</text>`+"\n", y+17, xmlText(label))
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="14" rx="2" fill="%s" fill-opacity="%s"><title>%s</title></rect>`+"\n",
				x(from), y+6, max(2, x(to)-x(from)), fill, opacity, xmlText(strings.ReplaceAll(e.describe(), "\n ", ";")))
			y += svgRow
		}
	}
	now := x(scale.part(v.At))
	fmt.Fprintf(&b, `<path d="M%.1f %d V%d" stroke="#b3261e" stroke-width="1.5"/>`+"\n</svg>\n", now, svgHeader-12, height-10)
	return b.Bytes()
}

// commonName is that of a subject as crypto/x509/pkix writes it, or all of it:
// what the subjects of one instance differ by.
func commonName(subject string) string {
	if _, after, ok := strings.Cut(subject, "CN="); ok {
		name, _, _ := strings.Cut(after, ",")
		return name
	}
	return subject
}

// xmlText escapes a text for an element; clean has dropped what XML forbids.
func xmlText(s string) string { return html.EscapeString(clean(s)) }
