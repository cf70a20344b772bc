package record

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Types of the statement (in-toto attestation, spec/v1/statement.md).
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://github.com/linnemanlabs/trustroot/ceremony/v1"
	PayloadType   = "application/vnd.in-toto+json"
)

// Statement says which files a record seals and what its ceremony made. It
// follows from the sealed files alone.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"` // every sealed file, sorted by name
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is one sealed file.
type Subject struct {
	Name   string            `json:"name"`   // "sealed/journal.jsonl"
	Digest map[string]string `json:"digest"` // "sha256" to hex
}

// Predicate is what the ceremony was about.
type Predicate struct {
	Organization   string        `json:"organization"`
	Ceremony       string        `json:"ceremony"`
	Day            string        `json:"day"`
	Rehearsal      bool          `json:"rehearsal"`
	Token          uint32        `json:"token"`          // serial number of the root's YubiKey
	Sequence       int           `json:"sequence"`       // of the request
	Request        string        `json:"request_sha256"` // of the request's SHA256SUMS
	LedgerHead     string        `json:"ledger_head"`
	JournalHead    string        `json:"journal_head"` // SHA-256 of the journal's last line
	JournalEntries int           `json:"journal_entries"`
	Certificates   []Certificate `json:"certificates"`
}

// Certificate is one certificate that left the ceremony.
type Certificate struct {
	Authority  string `json:"authority"`
	Generation int    `json:"generation"`
	Serial     string `json:"serial"` // hex
	SHA256     string `json:"sha256"` // hex, of the DER
}

// NewStatement writes the one statement over sealed files.
func NewStatement(sealed map[string][]byte, p Predicate) ([]byte, error) {
	s := Statement{Type: StatementType, PredicateType: PredicateType, Predicate: p}
	for _, name := range courier.Names(sealed) {
		s.Subject = append(s.Subject, Subject{Name: SealedDir + "/" + name, Digest: map[string]string{"sha256": digest.Hex(sealed[name])}})
	}
	return strict.Indented(s)
}

// differs names what one statement says otherwise than another.
func differs(got, want []byte) error {
	var g, w Statement
	if err := strict.JSON(got, &g); err != nil {
		return fmt.Errorf("its statement cannot be read: %w", err)
	}
	if err := strict.JSON(want, &w); err != nil {
		return err
	}
	listed := map[string]string{}
	for _, s := range w.Subject {
		listed[s.Name] = s.Digest["sha256"]
	}
	for _, s := range g.Subject {
		if listed[s.Name] != s.Digest["sha256"] {
			return fmt.Errorf("it was made over another %s: SHA-256 %s was signed, here it is %q", s.Name, s.Digest["sha256"], listed[s.Name])
		}
		delete(listed, s.Name)
	}
	for _, name := range courier.Names(listed) {
		return fmt.Errorf("%s was not among the files that were signed", name)
	}
	if g.Predicate.JournalHead != w.Predicate.JournalHead {
		return fmt.Errorf("it was made over a journal that ends in %s, here it ends in %s", g.Predicate.JournalHead, w.Predicate.JournalHead)
	}
	return fmt.Errorf("its statement is not the one that follows from the sealed files")
}
