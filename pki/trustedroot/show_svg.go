package trustedroot

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"time"
)

// Sizes of a drawing, in SVG units.
const (
	svgRow    = 26
	svgHeader = 40
)

// sheet is a size to draw at. A name stands left of its bar, or above it where
// there is no room.
type sheet struct {
	id                     string // in names that are one in a page
	width, left, bar, most int    // of all; where bars begin; a bar below its row; years that are written
}

var (
	wide   = sheet{"wide", 960, 300, 6, 12}
	narrow = sheet{"narrow", 360, 10, 22, 6}
)

// row is the height of an entry.
func (s sheet) row() int { return s.bar - 6 + svgRow }

// svgStyle names the colours of the drawing, in daylight and in the dark. The
// names are its own: it stands in pages too.
const svgStyle = `<style>
.tl-page{fill:#fff}.tl-grid{stroke:#ddd}.tl-year{fill:#555}.tl-role{fill:#111}.tl-name{fill:#333}.tl-live{fill:#2f6f9f;stop-color:#2f6f9f}.tl-past{fill:#8a8f98;stop-color:#8a8f98}.tl-bad{fill:#b3261e;stop-color:#b3261e}.tl-now{stroke:#b3261e;stroke-width:1.5}
@media screen and (prefers-color-scheme:dark){.tl-page{fill:#15171a}.tl-grid{stroke:#3a3e45}.tl-year{fill:#a4aab4}.tl-role{fill:#f2f3f5}.tl-name{fill:#d5d8dd}.tl-live{fill:#6fb3e0;stop-color:#6fb3e0}.tl-past{fill:#7d838d;stop-color:#7d838d}.tl-bad{fill:#ff8a80;stop-color:#ff8a80}.tl-now{stroke:#ff8a80}}
</style>
`

// SVG draws the view as one self-contained image: no script, no font or style
// from elsewhere. A solid bar is a window that has an end, one that fades is
// open; the vertical line is the instant asked for, with its date.
func (v *View) SVG() []byte { return v.draw(wide) }

// NarrowSVG is SVG for the width of a phone.
func (v *View) NarrowSVG() []byte { return v.draw(narrow) }

func (v *View) draw(s sheet) []byte {
	height := svgHeader + 10
	for _, r := range v.Roles {
		height += svgRow + len(r.Entries)*s.row()
		if len(r.Entries) == 0 {
			height += svgRow
		}
	}
	scale := v.axis(s.width - s.left - 20)
	x := func(part float64) float64 { return float64(s.left) + part*float64(scale.Columns) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif" font-size="13">`+"\n", s.width, height, s.width, height)
	fmt.Fprintf(&b, "<title>Windows of the trusted root at %s</title>\n%s<defs>", stamp(v.At), svgStyle)
	part := scale.Part(v.At)
	for _, class := range []string{"live", "past", "bad"} {
		fmt.Fprintf(&b, `<linearGradient id="tl-%s-%s" gradientUnits="userSpaceOnUse" x1="%.1f" x2="%.1f" y1="0" y2="0"><stop offset="0" class="tl-%[2]s"/><stop offset="1" class="tl-%[2]s" stop-opacity="0.1"/></linearGradient>`,
			s.id, class, x(part), x(1))
	}
	fmt.Fprintf(&b, "</defs>\n"+`<rect width="%d" height="%d" class="tl-page"/>`+"\n", s.width, height)
	for _, t := range scale.Ticks(s.most) {
		at := x(scale.Part(t))
		fmt.Fprintf(&b, `<path d="M%.1f %d V%d" class="tl-grid"/><text x="%.1f" y="18" class="tl-year">%d</text>`+"\n", at, svgHeader-12, height-10, at+3, t.Year())
	}
	y := svgHeader
	for _, r := range v.Roles {
		fmt.Fprintf(&b, `<text x="10" y="%d" font-weight="600" class="tl-role">%s</text>`+"\n", y+17, html.EscapeString(r.Title))
		y += svgRow
		if len(r.Entries) == 0 {
			fmt.Fprintf(&b, `<text x="22" y="%d" class="tl-year">none</text>`+"\n", y+17)
			y += svgRow
		}
		for _, e := range r.Entries {
			from, to := 0.0, 1.0
			if !e.Start.IsZero() {
				from = scale.Part(e.Start)
			}
			if until := e.span.until(); !until.IsZero() {
				to = scale.Part(until)
			}
			class := "past"
			switch {
			case e.Compromised:
				class = "bad"
			case e.Current:
				class = "live"
			}
			fill := `class="tl-` + class + `"`
			if e.End == nil {
				fill = `fill="url(#tl-` + s.id + "-" + class + `)"`
			}
			fmt.Fprintf(&b, `<text x="22" y="%d" class="tl-name">%s</text>`+"\n", y+17, xmlText(svgLabel(r, e)))
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="14" rx="2" %s><title>%s</title></rect>`+"\n",
				x(from), y+s.bar, max(2, x(to)-x(from)), fill, xmlText(strings.ReplaceAll(e.describe(), "\n ", ";")))
			if e.Compromised {
				anchor, at := "start", x(to)+6
				if to > 0.7 {
					anchor, at = "end", x(from)-6
				}
				fmt.Fprintf(&b, `<text x="%.1f" y="%d" font-size="11" text-anchor="%s" class="tl-bad">COMPROMISED</text>`+"\n", at, y+s.bar+11, anchor)
			}
			y += s.row()
		}
	}
	anchor, at := "start", x(part)+4
	if part > 0.8 {
		anchor, at = "end", x(part)-4
	}
	fmt.Fprintf(&b, `<path d="M%.1f %d V%d" class="tl-now"/><text x="%.1f" y="34" font-size="11" text-anchor="%s" class="tl-bad">%s</text>`+"\n</svg>\n",
		x(part), svgHeader-12, height-10, at, anchor, v.At.UTC().Format(time.DateOnly))
	return b.Bytes()
}

// svgLabel is the name of an entry, with the day of its start where others of its
// role have the same.
func svgLabel(r Role, e Entry) string {
	name := commonName(e.label())
	for _, other := range r.Entries {
		if other.Path != e.Path && commonName(other.label()) == name && !e.Start.IsZero() {
			return clip(name, 25) + ", " + e.Start.UTC().Format(time.DateOnly)
		}
	}
	return clip(name, 36)
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
