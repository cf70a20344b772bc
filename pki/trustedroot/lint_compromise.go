package trustedroot

import (
	"fmt"
	"slices"
)

// compromise judges an entry of which one key is compromised: it is over, or
// what a thief signs verifies.
func (l *linter) compromise(s *span, key string) {
	if !slices.Contains(l.options.Compromised, key) {
		return
	}
	l.seen[key] = true
	s.compromised = true
	if !s.hasEnd {
		l.add(ruleCompromised, s.path, fmt.Sprintf("The key %s is COMPROMISED, and the entry that rests on it is open", key),
			"Record the compromise in the ledger and build the file again: the entry ends at the last second before the misuse")
	}
}

// left reports whether a compromised key has no entry any more: then a gap is
// where it stood.
func (l *linter) left() bool {
	return slices.ContainsFunc(l.options.Compromised, func(key string) bool { return !l.seen[key] })
}
