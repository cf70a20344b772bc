package lint

import (
	"fmt"
	"strings"
)

// Severity says what follows from a finding.
type Severity string

// Severities.
const (
	Error   Severity = "error" // the certificate is not issued
	Warning Severity = "warn"  // some client fails, or the certificate can do more than it should
	Note    Severity = "note"  // worth knowing; nothing fails
)

// Finding is one thing that a rule says about a certificate.
type Finding struct {
	ID       string   `json:"id"` // "fulcio-eku-critical", or zlint's name
	Severity Severity `json:"severity"`
	Clients  []string `json:"clients,omitempty"` // who fails; empty when the rule is a document's
	Field    string   `json:"field,omitempty"`   // of the plan, under the authority; empty when none decides
	Text     string   `json:"text"`
}

// String is the finding in one line.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Severity, f.Text)
	if len(f.Clients) > 0 {
		fmt.Fprintf(&b, " [%s]", strings.Join(f.Clients, ", "))
	}
	if f.Field != "" {
		fmt.Fprintf(&b, " (%s)", f.Field)
	}
	fmt.Fprintf(&b, " <%s>", f.ID)
	return b.String()
}

// Names of clients, as their projects write them.
const (
	fulcio         = "fulcio"
	timestampAuth  = "timestamp-authority"
	sigstorePython = "sigstore-python"
	pyca           = "pyca/cryptography"
)
