package term

import (
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// Writer is the one way to a stream or a terminal: whatever is printed passes
// it, and nothing passes that drives a terminal, but the colours of its own
// Style.
type Writer struct {
	mu   sync.Mutex
	w    io.Writer
	fd   int    // of the stream
	on   bool   // it is a terminal that shows colours
	rest []byte // the beginning of a character whose end is still to come
}

// NewWriter returns the writer of a stream. It shows colours where the stream
// is a terminal and NO_COLOR is not set.
func NewWriter(f *os.File) *Writer {
	return &Writer{w: f, fd: int(f.Fd()), on: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))}
}

// Width is how many columns the stream's terminal has, 0 where it is none.
func (w *Writer) Width() int {
	width, _, err := term.GetSize(w.fd)
	if err != nil {
		return 0
	}
	return width
}

// Write escapes all but line breaks, tabs and colours.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := slices.Concat(w.rest, p)
	w.rest = nil
	if cut := unfinished(text); cut > 0 {
		w.rest = append(w.rest, text[len(text)-cut:]...)
		text = text[:len(text)-cut]
	}
	if _, err := io.WriteString(w.w, w.safe(string(text))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// safe lets colours pass where they show.
func (w *Writer) safe(text string) string {
	if w.on {
		return colours(text)
	}
	return Lines(text)
}

// colours is Lines for a text whose colours are Style's.
func colours(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "\x1b")
		b.WriteString(Lines(before))
		if !found {
			return b.String()
		}
		text = "\x1b" + after
		if end := strings.IndexByte(text, 'm') + 1; end > 0 && ours(text[:end]) {
			b.WriteString(text[:end])
			text = text[end:]
			continue
		}
		b.WriteString(Lines("\x1b"))
		text = after
	}
}

// unfinished counts the bytes at the end that begin a character.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
