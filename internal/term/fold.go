package term

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Fold breaks the lines of a text that are wider than a terminal between words,
// and indents what follows: as far as the column that the line's last cell
// begins at, or by two. What is copied stays whole, whatever its width: a word,
// what stands in backquotes, a line that is a command, and a line that is to be
// added to a file.
func Fold(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if columns(line) > width && !whole(line) {
			lines[i] = Hang(line, width, hang(line, width))
		}
	}
	return strings.Join(lines, "\n")
}

// whole reports whether a line is copied as it is.
func whole(line string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	return slices.Contains([]string{"trustroot", "trustroot-offline", "trustroot-verify", "$"}, first) || strings.HasPrefix(line, "+")
}

// columns is how wide a text is shown.
func columns(text string) int {
	n := 0
	for {
		before, after, found := strings.Cut(text, "\x1b")
		n += utf8.RuneCountInString(before)
		if !found {
			return n
		}
		_, text, _ = strings.Cut(after, "m")
	}
}

// Hang breaks a line at a width; what follows the first break is indented. Spaces
// between words stay.
func Hang(line string, width, indent int) string {
	var b strings.Builder
	at := 0
	for rest := line; rest != ""; {
		gap, word := nextWord(rest)
		rest = rest[len(gap)+len(word):]
		n := columns(word)
		if word == "" {
			break // spaces at the end
		}
		stays := n > width-indent && at+len(gap) <= width/2 // it is too wide for a line of its own too
		if at > indent && at+len(gap)+n > width && !stays {
			b.WriteString("\n" + strings.Repeat(" ", indent) + word)
			at = indent + n
			continue
		}
		b.WriteString(gap + word)
		at += len(gap) + n
	}
	return b.String()
}

// nextWord parts the spaces and the word that a text begins with. What stands in
// backquotes is one word.
func nextWord(text string) (gap, word string) {
	word = strings.TrimLeft(text, " ")
	gap = text[:len(text)-len(word)]
	end := strings.IndexByte(word, ' ')
	if open := strings.IndexByte(word, '`'); open >= 0 && end > open {
		if length := strings.IndexByte(word[open+1:], '`'); length >= 0 {
			from := open + 1 + length
			if end = strings.IndexByte(word[from:], ' '); end >= 0 {
				end += from
			}
		}
	}
	if end >= 0 {
		word = word[:end]
	}
	return gap, word
}

// hang is the column at which the rest of a line begins: where its last cell
// does, if that is in the left half, or two right of the line's own beginning.
func hang(line string, width int) int {
	column, rest := 0, line
	indent := 2
	for rest != "" {
		gap, word := nextWord(rest)
		rest = rest[len(gap)+len(word):]
		column += len(gap)
		switch {
		case column > width/2:
			return indent
		case column == len(gap):
			indent = len(gap) + 2
		case len(gap) > 1:
			indent = column
		}
		column += columns(word)
	}
	return indent
}
