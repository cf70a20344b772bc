package term

import (
	"errors"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Question is something a person decides.
type Question struct {
	Text string // what is about to happen, whole sentences
	Yes  string // what happens on yes
	No   string // what happens on no
	// Type is what must be typed to mean yes; empty means the word yes.
	Type string
	// Label names what is to be typed where Type itself must not be shown,
	// such as "the first eight words on the request's paper".
	Label string
}

// ErrStopped is the operator's no.
var ErrStopped = errors.New("stopped by the operator")

// Stopped says what was left unchanged by a no.
func Stopped(unchanged string) error {
	return fault.New(fault.Stopped, unchanged, ErrStopped)
}

// Accepts reports whether an answer is the exact yes. Case and white space do
// not count.
func (q Question) Accepts(answer string) bool {
	want := q.Type
	if want == "" {
		want = "yes"
	}
	return fold(answer) == fold(want)
}

// Prompt is the last line of the question, before the cursor.
func (q Question) Prompt() string {
	switch {
	case q.Label != "":
		return "Type " + q.Label + ": "
	case q.Type != "":
		return "Type " + q.Type + " to go on: "
	default:
		return "Type yes to go on: "
	}
}

// shown is the question as it stands before the cursor. One that goes on from
// the question before has its prompt alone.
func (q Question) shown() string {
	if q.Text == "" {
		return q.Prompt()
	}
	return "\n" + q.Text + "\n  yes: " + q.Yes + "\n  no:  " + q.No + "\n" + q.Prompt()
}

func fold(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}
