package term

import (
	"io"
	"os"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// Style colours text for one stream, or leaves it alone where the stream is
// no terminal or NO_COLOR is set.
type Style struct{ on bool }

// StyleFor returns the style for w.
func StyleFor(w io.Writer) Style {
	f, ok := w.(*os.File)
	return Style{on: ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))}
}

func (s Style) paint(text string, attributes ...color.Attribute) string {
	c := color.New(attributes...)
	if s.on {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.Sprint(text)
}

// Bold marks what matters.
func (s Style) Bold(text string) string { return s.paint(text, color.Bold) }

// Dim marks what may be passed over.
func (s Style) Dim(text string) string { return s.paint(text, color.Faint) }

// Good marks what holds.
func (s Style) Good(text string) string { return s.paint(text, color.FgGreen) }

// Warn marks what needs a look.
func (s Style) Warn(text string) string { return s.paint(text, color.FgYellow) }

// Bad marks what does not hold.
func (s Style) Bad(text string) string { return s.paint(text, color.FgRed, color.Bold) }
