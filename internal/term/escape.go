package term

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is what this program composed itself: its line breaks are meant. Given
// to Sprintf or Fprintf it keeps them.
type Text string

// Escape returns a value from outside as one line that cannot drive a
// terminal: control characters, line breaks among them, and what turns text
// around or does not show become \u and four hex digits, as in JSON, and bytes
// that are not UTF-8 become \x and two.
func Escape(s string) string { return escape(s, false) }

// Lines is Escape for a text whose line breaks and tabs are meant.
func Lines(s string) string { return escape(s, true) }

func escape(s string, lines bool) string {
	if clean(s, lines) {
		return s
	}
	var b strings.Builder
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case visible(r) || lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		default:
			for _, unit := range utf16.AppendRune(nil, r) { // as JSON writes a rune
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
		s = s[n:]
	}
	return b.String()
}

// clean spares what nearly every text needs not.
func clean(s string, lines bool) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c > '~') && (!lines || c != '\n' && c != '\t') {
			return false
		}
	}
	return true
}

// visible reports whether a rune shows as itself: letters, marks, numbers,
// punctuation, symbols and spaces, without those that Unicode calls ignorable,
// such as fillers and variation selectors, and without the blank Braille cell.
func visible(r rune) bool {
	switch {
	case r >= ' ' && r <= '~':
		return true
	case r == '\u2800' || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return false
	}
	return unicode.IsGraphic(r)
}

// Sprintf is fmt.Sprintf with each argument escaped to one line, but Text.
func Sprintf(format string, args ...any) string { return fmt.Sprintf(format, escaped(args)...) }

// Fprintf is fmt.Fprintf with each argument escaped to one line, but Text. Where
// w is a terminal, lines are folded to its width.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	if out, ok := w.(*Writer); ok {
		return io.WriteString(out, Fold(Sprintf(format, args...), out.Width()))
	}
	return fmt.Fprintf(w, format, escaped(args)...)
}

func escaped(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case Text:
			out[i] = colours(string(v))
		case int: // perhaps a width
			out[i] = v
		default:
			out[i] = value{v}
		}
	}
	return out
}

// value formats as what it holds does, and escapes the outcome.
type value struct{ of any }

// Format implements fmt.Formatter.
func (v value) Format(f fmt.State, verb rune) {
	text := fmt.Sprintf(fmt.FormatString(f, verb), v.of)
	if err, ok := v.of.(error); ok && (verb == 'v' || verb == 's') {
		text = Error(err)
	} else {
		text = Escape(text)
	}
	_, _ = io.WriteString(f, text) // fmt's own buffer takes everything
}

// Error returns an error's text with what came from outside escaped. Only the
// line breaks right before an error that it wraps stay.
func Error(err error) string {
	text := err.Error()
	var inner []error
	switch e := err.(type) { //nolint:errorlint // its own text is taken apart, not that of one it wraps
	case interface{ Unwrap() error }:
		inner = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		inner = e.Unwrap()
	}
	var b strings.Builder
	for _, e := range inner {
		if e == nil {
			continue
		}
		before, after, found := strings.Cut(text, e.Error())
		if !found {
			continue
		}
		words := strings.TrimRight(before, "\n")
		b.WriteString(Escape(words))
		b.WriteString(before[len(words):])
		b.WriteString(Error(e))
		text = after
	}
	b.WriteString(Escape(text))
	return b.String()
}
