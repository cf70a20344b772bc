package cmdutil

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

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

// Hang breaks a line at width; what follows the first break is indented. Spaces
// between words stay.
func Hang(line string, width, indent int) string {
	var b strings.Builder
	at := 0
	rest := line
	for rest != "" {
		word := len(rest) - len(strings.TrimLeft(rest, " "))
		if i := strings.IndexByte(rest[word:], ' '); i >= 0 {
			word += i
		} else {
			word = len(rest)
		}
		next := rest[:word]
		rest = rest[word:]
		if n := utf8.RuneCountInString(next); at > indent && at+n > width {
			next = strings.Repeat(" ", indent) + strings.TrimLeft(next, " ")
			b.WriteByte('\n')
			at = utf8.RuneCountInString(next)
		} else {
			at += n
		}
		b.WriteString(next)
	}
	return b.String()
}
