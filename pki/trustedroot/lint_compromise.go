package trustedroot

import (
	"fmt"
	"slices"
)

// compromise judges an entry of which one key is compromised: it is over, or
// what a thief signs verifies.
func compromise(l *linter, s *span, key string) {
	if !slices.Contains(l.options.Compromised, key) {
		return
	}
	s.compromised = true
	if !s.hasEnd {
		l.add(ruleCompromised, s.path, fmt.Sprintf("The key %s is COMPROMISED, and the entry that rests on it is open", key),
			"Record the compromise in the ledger and build the file again: the entry ends at the last second before the misuse")
	}
}
