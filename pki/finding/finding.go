// Package finding is the one form in which every judge of this project says
// what it found: of a certificate, a plan, a trusted root, a running service.
// It imports nothing.
package finding

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Severity says what follows from a finding.
type Severity string

// Severities, gravest first. Error and Unknown are no pass.
const (
	Error   Severity = "error"   // wrong: a client fails, trusts what it should not, or a record contradicts it
	Unknown Severity = "unknown" // could not be checked
	Warning Severity = "warning" // some client fails or is surprised, or something can do more than it should
	Info    Severity = "info"    // worth knowing; nothing fails
)

// Effect is what a client does, in the third person: "refuses the file".
type Effect string

// Effects, from loud to silent.
const (
	Refuses    Effect = "refuses the file"
	Panics     Effect = "panics"
	Fails      Effect = "fails"
	Rejects    Effect = "rejects genuine signatures"
	CannotSign Effect = "cannot sign by it"
	Misreads   Effect = "reads it wrongly in silence"
	Accepts    Effect = "accepts it in silence"
	Unaffected Effect = "is not affected"
)

// Client is a program that a finding concerns, and what it does.
type Client struct {
	Name   string `json:"name"`
	Effect Effect `json:"effect"`
}

// Finding is one thing that a judge found.
type Finding struct {
	ID       string   `json:"id"` // does not change with the wording: chain-reversed
	Severity Severity `json:"severity"`
	Place    string   `json:"place"`          // a field of the plan, a JSON path, a service's name; empty where none is to blame
	Line     int      `json:"line,omitempty"` // of a file, counted from 1
	Also     []string `json:"also,omitempty"` // places where the same cause shows again
	Text     string   `json:"text"`           // what is wrong, without a full stop
	Clients  []Client `json:"clients,omitempty"`
	Repair   string   `json:"repair,omitempty"` // what to do about it
}

// String writes a finding as one paragraph.
func (f Finding) String() string {
	parts := []string{f.Head()}
	if effects := f.Effects(); effects != "" {
		parts = append(parts, effects)
	}
	if f.Repair != "" {
		parts = append(parts, f.Repair)
	}
	if len(f.Also) > 0 {
		parts = append(parts, "Also at "+strings.Join(f.Also, ", "))
	}
	return fmt.Sprintf("%s: %s: %s", f.Severity, f.ID, strings.Join(parts, ". "))
}

// Head is where it is and what is wrong, without severity and ID.
func (f Finding) Head() string {
	head := f.Text
	if f.Place != "" {
		head = f.Place + ": " + head
	}
	if f.Line > 0 {
		head = fmt.Sprintf("line %d: %s", f.Line, head)
	}
	return head
}

// Effects groups the clients by what they do: "cosign, sigstore-go refuse the
// file; sigstore-js accepts it in silence".
func (f Finding) Effects() string {
	var order []Effect
	names := map[Effect][]string{}
	for _, c := range f.Clients {
		if names[c.Effect] == nil {
			order = append(order, c.Effect)
		}
		names[c.Effect] = append(names[c.Effect], c.Name)
	}
	parts := make([]string, 0, len(order))
	for _, effect := range order {
		verb, rest, _ := strings.Cut(string(effect), " ")
		if len(names[effect]) > 1 && effect != CannotSign {
			verb = strings.TrimSuffix(verb, "s")
		}
		parts = append(parts, strings.TrimSpace(strings.Join(names[effect], ", ")+" "+verb+" "+rest))
	}
	return strings.Join(parts, "; ")
}

// Compare orders two findings by severity, the gravest first.
func Compare(a, b Finding) int {
	rank := []Severity{Error, Unknown, Warning, Info}
	return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity)
}

// Sort puts the gravest first, keeps the order of equals and returns the list.
func Sort(list []Finding) []Finding {
	slices.SortStableFunc(list, Compare)
	return list
}

// Err joins the findings of severity Error, and is nil where there is none.
func Err(list []Finding) error {
	var found []error
	for _, f := range list {
		if f.Severity == Error {
			found = append(found, errors.New(f.String()))
		}
	}
	return errors.Join(found...)
}

// Errors counts the findings of severity Error.
func Errors(list []Finding) int {
	n := 0
	for _, f := range list {
		if f.Severity == Error {
			n++
		}
	}
	return n
}
