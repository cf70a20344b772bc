package cmdutil

import (
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// told is one error as a person reads it: lines, escaped, and the way out.
type told struct{ raw, text, hint string }

func whole(err error) told {
	return told{strings.TrimSpace(err.Error()), strings.TrimSpace(term.Error(err)), fault.Hint(err)}
}

// tell takes joined errors apart, so that each is told with its own hint. A
// hint around a join speaks for all of it; the same hint is told once, at the
// last error that has it.
func tell(err error) []told {
	all := takeApart(err)
	for i := range all[:max(len(all)-1, 0)] {
		if all[i].hint == all[i+1].hint {
			all[i].hint = ""
		}
	}
	return all
}

func takeApart(err error) []told {
	joined, ok := err.(interface{ Unwrap() []error }) // of the error itself, not of one that it wraps
	if !ok {
		return inFault(err)
	}
	var all []told
	for _, e := range joined.Unwrap() {
		all = append(all, takeApart(e)...)
	}
	if len(all) == 0 || texts(all) != strings.TrimSpace(err.Error()) {
		return []told{whole(err)} // the join says more than its parts
	}
	return all
}

// inFault looks through what wraps one error, with words before it or none.
func inFault(err error) []told {
	whole := whole(err)
	wrapped, ok := err.(interface{ Unwrap() error }) // of the error itself, not of one that it wraps
	if !ok || wrapped.Unwrap() == nil {
		return []told{whole}
	}
	inner := wrapped.Unwrap()
	prefix, ok := strings.CutSuffix(whole.raw, strings.TrimSpace(inner.Error()))
	if !ok {
		return []told{whole}
	}
	all := takeApart(inner)
	all[0].raw, all[0].text = prefix+all[0].raw, term.Escape(prefix)+all[0].text
	if whole.hint != fault.Hint(inner) {
		for i := range all {
			all[i].hint = whole.hint
		}
	}
	return all
}

func texts(all []told) string {
	lines := make([]string, len(all))
	for i, t := range all {
		lines[i] = t.raw
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
