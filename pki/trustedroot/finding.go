package trustedroot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how bad a finding is.
type Severity string

// Severities. A file with an error must not be published.
const (
	Error   Severity = "error"   // some client fails today, or trusts what it should not
	Warning Severity = "warning" // every known client accepts it, and it is known to surprise
	Info    Severity = "info"    // worth knowing: past, or nothing to repair
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
	Path     string         `json:"path"`           // JSON path: $.tlogs[0].publicKey
	Also     []string       `json:"also,omitempty"` // where the same cause shows again
	Line     int            `json:"line"`           // counted from 1
	Clients  []string       `json:"clients"`        // those that the finding concerns
	Effects  []ClientEffect `json:"effects"`        // what each of Clients does
	Effect   string         `json:"effect"`         // the same as a sentence
	Text     string         `json:"text"`           // what is wrong
	Repair   string         `json:"repair"`         // what to do about it
}

// String writes a finding as one paragraph.
func (f Finding) String() string {
	text := f.Text + ". "
	if f.Effect != "" {
		text += f.Effect + ". "
	}
	text += f.Repair
	if len(f.Also) > 0 {
		text += ". Also at " + strings.Join(f.Also, ", ")
	}
	return fmt.Sprintf("%s: line %d: %s: %s: %s", f.Severity, f.Line, f.ID, f.Path, text)
}

// effects says what clients do. Of a client that is not in it nothing is known,
// and nothing is said.
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
		if effect, ok := e[client]; ok && effect != Unaffected {
			out = append(out, ClientEffect{Client: client, Effect: effect})
		}
	}
	return out
}

// sentence groups clients by what they do.
func sentence(list []ClientEffect) string {
	var parts []string
	for _, effect := range []Effect{Refuses, Panics, Rejects, CannotSign, Misreads, Accepts} {
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
	if n > 1 && e != CannotSign {
		verb = strings.TrimSuffix(verb, "s")
	}
	return strings.TrimSpace(verb + " " + rest)
}

// order sorts findings by severity, errors first, then by line, place and ID,
// and puts what has one cause together. Errors stay apart unless they speak of
// one certificate: each asks for a repair of its own.
func order(list []Finding) []Finding {
	rank := map[Severity]int{Error: 0, Warning: 1, Info: 2}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(rank[a.Severity]-rank[b.Severity], a.Line-b.Line, strings.Compare(a.Path, b.Path), strings.Compare(a.ID, b.ID))
	})
	var out []Finding
	first := map[string]int{}
	for _, f := range list {
		cause := strings.Join([]string{f.ID, f.Text, f.Repair}, "\x00")
		i, again := first[cause]
		if again && (f.Severity != Error || strings.Contains(f.Path, ".certificates[")) {
			out[i].Also = append(out[i].Also, f.Path)
			continue
		}
		first[cause] = len(out)
		out = append(out, f)
	}
	return out
}
