package trustedroot

import (
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a finding is.
type Severity string

// Severities. A file with an error must not be published.
const (
	Error   Severity = "error"   // some client fails, or trusts what it should not
	Warning Severity = "warning" // allowed, and known to surprise
	Info    Severity = "info"    // worth knowing
)

// Clients whose behaviour findings speak of.
const (
	Cosign         = "cosign"
	SigstoreGo     = "sigstore-go"
	SigstoreJS     = "sigstore-js"
	SigstorePython = "sigstore-python"
	SigstoreJava   = "sigstore-java"
	SigstoreRS     = "sigstore-rs"
)

// AllClients returns the clients that findings speak of, in the order in which
// findings name them.
func AllClients() []string {
	return []string{Cosign, SigstoreGo, SigstoreJS, SigstorePython, SigstoreJava, SigstoreRS}
}

// Effect is what a client does with a file that has a finding.
type Effect string

// Effects, from loud to silent.
const (
	Refuses    Effect = "refuses the file"
	Panics     Effect = "panics"
	Rejects    Effect = "rejects genuine signatures"
	CannotSign Effect = "cannot sign by it"
	Misreads   Effect = "reads it wrongly in silence"
	Accepts    Effect = "accepts it in silence"
	Unaffected Effect = "is not affected"
	Unobserved Effect = "was not observed"
)

// ClientEffect is what one client does.
type ClientEffect struct {
	Client string `json:"client"`
	Effect Effect `json:"effect"`
}

// Finding is one defect of a trusted root or signing config.
type Finding struct {
	ID       string         `json:"id"`
	Severity Severity       `json:"severity"`
	Path     string         `json:"path"`    // JSON path: $.tlogs[0].publicKey
	Line     int            `json:"line"`    // counted from 1
	Clients  []string       `json:"clients"` // those that the finding concerns
	Effects  []ClientEffect `json:"effects"` // what each of Clients does
	Effect   string         `json:"effect"`  // the same as a sentence
	Text     string         `json:"text"`    // what is wrong
	Repair   string         `json:"repair"`  // what to do about it
}

// String writes a finding as one paragraph.
func (f Finding) String() string {
	return fmt.Sprintf("line %d: %s: %s: %s: %s. %s. %s", f.Line, f.Severity, f.ID, f.Path, f.Text, f.Effect, f.Repair)
}

// effects says what clients do; a client that is not in it was not observed.
type effects map[string]Effect

// goDoes is for the two clients that share sigstore-go's verification.
func goDoes(e Effect, others effects) effects {
	all := effects{Cosign: e, SigstoreGo: e}
	for client, effect := range others {
		all[client] = effect
	}
	return all
}

// everyone is for what no client can read.
func everyone(e Effect) effects {
	all := effects{}
	for _, client := range AllClients() {
		all[client] = e
	}
	return all
}

// list returns the clients that are affected and what they do.
func (e effects) list() []ClientEffect {
	var out []ClientEffect
	for _, client := range AllClients() {
		effect, ok := e[client]
		if !ok {
			effect = Unobserved
		}
		if effect != Unaffected {
			out = append(out, ClientEffect{Client: client, Effect: effect})
		}
	}
	return out
}

// sentence groups clients by what they do.
func sentence(list []ClientEffect) string {
	var parts []string
	for _, effect := range []Effect{Refuses, Panics, Rejects, CannotSign, Misreads, Accepts, Unobserved} {
		var who []string
		for _, ce := range list {
			if ce.Effect == effect {
				who = append(who, ce.Client)
			}
		}
		if len(who) > 0 {
			parts = append(parts, strings.Join(who, ", ")+" "+plural(effect, len(who)))
		}
	}
	return strings.Join(parts, "; ")
}

// plural writes an effect for several clients.
func plural(e Effect, n int) string {
	verb, rest, _ := strings.Cut(string(e), " ")
	if n > 1 {
		switch e {
		case Unobserved:
			verb = "were"
		case CannotSign:
		default:
			verb = strings.TrimSuffix(verb, "s")
		}
	}
	return strings.TrimSpace(verb + " " + rest)
}

// sortFindings orders findings by line, place and ID.
func sortFindings(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Path != b.Path {
			return strings.Compare(a.Path, b.Path)
		}
		return strings.Compare(a.ID, b.ID)
	})
}
