package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression (RE2) that has not been compiled yet. It is
// for package variables, whose expressions are constants: one that does not
// compile panics when it is first asked. It may be used by several goroutines.
type Pattern struct {
	text     string
	once     sync.Once
	compiled *regexp.Regexp
}

// New returns the pattern of an expression.
func New(text string) *Pattern { return &Pattern{text: text} }

func (p *Pattern) regexp() *regexp.Regexp {
	p.once.Do(func() { p.compiled = regexp.MustCompile(p.text) })
	return p.compiled
}

// String returns the expression.
func (p *Pattern) String() string { return p.text }

// MatchString reports whether s holds a match.
func (p *Pattern) MatchString(s string) bool { return p.regexp().MatchString(s) }

// FindStringSubmatch returns the leftmost match in s and its groups, or nil.
func (p *Pattern) FindStringSubmatch(s string) []string { return p.regexp().FindStringSubmatch(s) }

// ReplaceAllString returns s with each match replaced, as regexp does it.
func (p *Pattern) ReplaceAllString(s, by string) string { return p.regexp().ReplaceAllString(s, by) }
