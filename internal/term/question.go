package term

import (
	"cmp"
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

// Accepts reports whether an answer is the exact yes. Case, white space and
// quotation marks around it do not count.
func (q Question) Accepts(answer string) bool { return fold(answer) == fold(q.want()) }

// Declines reports whether an answer is a no: nothing, n or no. Any other that
// is not the yes is a slip, and asked again.
func (q Question) Declines(answer string) bool {
	answer = fold(answer)
	return answer == "" || answer == "n" || answer == "no"
}

func (q Question) want() string { return cmp.Or(q.Type, "yes") }

// quoted sets what is typed off from the sentence where it has spaces.
func (q Question) quoted() string {
	if strings.Contains(q.want(), " ") {
		return `"` + q.want() + `"`
	}
	return q.want()
}

// Prompt is the last line of the question, before the cursor.
func (q Question) Prompt() string {
	if q.Label != "" {
		return "Type " + q.Label + ": "
	}
	return "Type " + q.quoted() + " to continue: "
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
	return strings.ToLower(strings.Join(strings.Fields(strings.Trim(strings.TrimSpace(s), `"`)), " "))
}
