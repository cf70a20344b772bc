package gate

import (
	"regexp"
	"strings"
)

// matches compares a value with a pattern: exactly, or, where the pattern ends
// with a star, its beginning, and one or more characters other than a slash
// after it.
func matches(pattern, value string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	if !open {
		return value == pattern
	}
	rest, ok := strings.CutPrefix(value, prefix)
	return ok && rest != "" && !strings.Contains(rest, "/")
}

// expression is the same pattern as an anchored regular expression.
func expression(pattern string) string {
	prefix, open := strings.CutSuffix(pattern, "*")
	if !open {
		return "^" + regexp.QuoteMeta(pattern) + "$"
	}
	return `(?s)^` + regexp.QuoteMeta(prefix) + `[^/]+$`
}
