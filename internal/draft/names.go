package draft

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// Names finds, among all certificates that were ever issued, roots that share a
// subject over two keys, and a key that has two subjects. Verifiers build chains
// by names: they try the wrong root, or take one authority for the other.
// A renewed authority keeps its subject, and its key identifier tells it apart.
func Names(known Known) []finding.Finding {
	type issued struct {
		place string
		*x509.Certificate
	}
	var all []issued
	for _, name := range slices.Sorted(maps.Keys(known)) {
		for i, c := range known[name] {
			if c != nil {
				all = append(all, issued{trustdir.GenerationName(name, i+1), c})
			}
		}
	}
	var out []finding.Finding
	for i, a := range all {
		for _, b := range all[:i] {
			key, subject := bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo), bytes.Equal(a.RawSubject, b.RawSubject)
			selfIssued := bytes.Equal(a.RawIssuer, a.RawSubject) && bytes.Equal(b.RawIssuer, b.RawSubject)
			switch {
			case subject && !key && selfIssued:
				out = append(out, finding.Finding{ID: "two-keys-one-subject", Severity: finding.Warning, Place: a.place, Also: []string{b.place},
					Text: fmt.Sprintf("has the subject of %s, %s, and another key", b.place, a.Subject), Repair: "give the next root a common name of its own: trustroot renew root --common-name NAME"})
			case key && !subject:
				out = append(out, finding.Finding{ID: "one-key-two-subjects", Severity: finding.Warning, Place: a.place, Also: []string{b.place},
					Text: fmt.Sprintf("has the key of %s under another subject, %s: whoever steals it has both", b.place, a.Subject), Repair: "renew one of them with a new key: trustroot renew NAME --new-key"})
			}
		}
	}
	return out
}
