package gate

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The grammar of patterns: every character stands for itself but the star.
// "*" stands for one or more characters other than "/", "@", white space and
// control characters; "**" for the same with "/" and "@". A pattern is anchored
// at both ends, and upper and lower case differ.

// matches compares a value with a pattern. A value that is not printable UTF-8
// matches none.
func matches(pattern, value string) bool {
	if !printable(value) {
		return false
	}
	if !strings.Contains(pattern, "*") {
		return value == pattern
	}
	return regexp.MustCompile(expression(pattern)).MatchString(value)
}

// expression is the same pattern as an anchored regular expression.
func expression(pattern string) string {
	text := regexp.QuoteMeta(strings.ToValidUTF8(pattern, "\uFFFD"))
	text = strings.ReplaceAll(text, `\*\*`, `[^\s\p{Z}\p{C}]+`)
	return `\A` + strings.ReplaceAll(text, `\*`, `[^/@\s\p{Z}\p{C}]+`) + `\z`
}

// printable reports whether a text is UTF-8 without control characters and
// such as a terminal or a reader would take for something else.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// badPattern says what is wrong with a pattern: it must not admit any host, any
// mail domain or anything at all.
func badPattern(p string) string {
	scheme, rest, isURL := strings.Cut(p, "://")
	host, _, _ := strings.Cut(rest, "/")
	_, domain, isMail := strings.Cut(p, "@")
	switch {
	case p == "":
		return "is missing"
	case len(p) > maxClaim:
		return "has more than 1024 bytes"
	case strings.TrimSpace(p) != p || !printable(p):
		return "begins or ends with white space, or has characters that cannot be printed"
	case strings.Contains(p, "***"):
		return "has more than two stars in a row"
	case strings.Trim(p, "*/.:@-") == "":
		return "would admit anything"
	case isURL && strings.Contains(scheme+host, "*"):
		return "would admit any host"
	case !isURL && isMail && strings.Contains(domain, "*"):
		return "would admit any mail domain"
	}
	return ""
}
