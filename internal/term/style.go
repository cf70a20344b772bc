package term

import (
	"io"
	"slices"
)

// Style colours text for one stream, or leaves it alone where the stream is
// no terminal or NO_COLOR is set. What it is given is escaped to one line.
type Style struct{ on bool }

// StyleFor returns the style for w.
func StyleFor(w io.Writer) Style {
	own, ok := w.(*Writer)
	return Style{on: ok && own.on}
}

// Colours, by ECMA-48's numbers of SGR.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31;1m"
	plain  = "\x1b[0m"
)

// ours reports whether a sequence is one that Style writes.
func ours(sequence string) bool {
	return slices.Contains([]string{bold, dim, green, yellow, red, plain}, sequence)
}

func (s Style) paint(text, colour string) Text {
	text = Escape(text)
	if s.on {
		text = colour + text + plain
	}
	return Text(text)
}

// Bold marks what matters.
func (s Style) Bold(text string) Text { return s.paint(text, bold) }

// Dim marks what may be passed over.
func (s Style) Dim(text string) Text { return s.paint(text, dim) }

// Good marks what holds.
func (s Style) Good(text string) Text { return s.paint(text, green) }

// Warn marks what needs a look.
func (s Style) Warn(text string) Text { return s.paint(text, yellow) }

// Bad marks what does not hold.
func (s Style) Bad(text string) Text { return s.paint(text, red) }
