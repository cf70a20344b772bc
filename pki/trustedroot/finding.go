package trustedroot

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki/finding"
)

// The severities of this package's findings. A file with an error must not be
// published.
const (
	Error   = finding.Error   // some client fails today, or trusts what it should not
	Warning = finding.Warning // every known client accepts it, and it is known to surprise
	Info    = finding.Info    // worth knowing: past, or nothing to repair
)

// The effects that the table of rules names.
const (
	Refuses    = finding.Refuses
	Panics     = finding.Panics
	Rejects    = finding.Rejects
	CannotSign = finding.CannotSign
	Misreads   = finding.Misreads
	Accepts    = finding.Accepts
	Unaffected = finding.Unaffected
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

// effects says what clients do. Of a client that is not in it nothing is known,
// and nothing is said.
type effects map[string]finding.Effect

// goDoes is for the two clients that share sigstore-go's verification. It is
// called for each rule at the program's start, and takes 50 kB where it is inlined.
//
//go:noinline
func goDoes(e finding.Effect, others effects) effects {
	all := effects{Cosign: e, SigstoreGo: e}
	maps.Copy(all, others)
	return all
}

// everyone is for what no client can read.
func everyone(e finding.Effect) effects {
	all := effects{}
	for _, client := range AllClients() {
		all[client] = e
	}
	return all
}

// list returns the clients that are affected and what they do, those who fail
// loudest first.
func (e effects) list() []finding.Client {
	var out []finding.Client
	for _, effect := range []finding.Effect{Refuses, Panics, Rejects, CannotSign, Misreads, Accepts} {
		for _, client := range AllClients() {
			if e[client] == effect {
				out = append(out, finding.Client{Name: client, Effect: effect})
			}
		}
	}
	return out
}

// order sorts findings by severity, errors first, then by line, place and ID,
// and puts what has one cause together. Errors stay apart unless they speak of
// one certificate: each asks for a repair of its own.
func order(list []finding.Finding) []finding.Finding {
	slices.SortStableFunc(list, func(a, b finding.Finding) int {
		return cmp.Or(finding.Compare(a, b), a.Line-b.Line, strings.Compare(a.Place, b.Place), strings.Compare(a.ID, b.ID))
	})
	var out []finding.Finding
	first := map[string]int{}
	for _, f := range list {
		cause := strings.Join([]string{f.ID, f.Text, f.Repair}, "\x00")
		i, again := first[cause]
		if again && (f.Severity != Error || strings.Contains(f.Place, ".certificates[")) {
			out[i].Also = append(out[i].Also, f.Place)
			continue
		}
		first[cause] = len(out)
		out = append(out, f)
	}
	return out
}
