package cmdutil

import (
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/term"
)

// Count writes a number and what it counts.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Stamp writes a time as RFC 3339 in UTC.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// showWidth is the width in columns where the terminal does not say its own.
const showWidth = 100

// Columns is the width of the terminal that data goes to.
func (f *Factory) Columns() int {
	if out, ok := f.Out.(*term.Writer); ok {
		if width := out.Width(); width > 0 {
			return width
		}
	}
	return showWidth
}
