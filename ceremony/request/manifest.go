package request

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Version of the manifest.
const Version = 1

// Where an item's key comes from.
const (
	SourceCSR      = "csr"      // a key in KMS, with its request and evidence
	SourceExternal = "external" // a request made elsewhere, without evidence
	SourceToken    = "token"    // the root: its key is made at the ceremony
)

// Manifest is request.json: what the ceremony is asked for. It says nothing
// that does not follow from the other files, but for the ceremony, the number
// and the time.
type Manifest struct {
	Version       int            `json:"version"`
	Sequence      int            `json:"sequence"` // one more than the newest in the ledger
	Ceremony      string         `json:"ceremony"` // name in the plan
	Organization  string         `json:"organization"`
	Created       time.Time      `json:"created"`     // day, UTC, by the admin host's clock
	LedgerHead    string         `json:"ledger_head"` // hex SHA-256 of the ledger's last line
	LedgerEntries int            `json:"ledger_entries"`
	Items         []ManifestItem `json:"items"` // the root first, then by name and generation
	Root          string         `json:"root"`  // file of the root certificate; empty when the ceremony makes it
	// RootGeneration is the root's, where it is not the first.
	RootGeneration int          `json:"root_generation,omitempty"`
	CRL            *ManifestCRL `json:"crl,omitempty"`     // that the root signs, after the certificates
	Destroy        bool         `json:"destroy,omitempty"` // the root's key is erased at the end
}

// ManifestCRL is what the root's CRL will say. It follows from plan and ledger.
type ManifestCRL struct {
	Number     int64             `json:"number"`
	ThisUpdate time.Time         `json:"this_update"`
	NextUpdate time.Time         `json:"next_update"`
	Revoked    []ManifestRevoked `json:"revoked,omitempty"` // by serial number
}

// ManifestRevoked is one certificate that a CRL revokes.
type ManifestRevoked struct {
	Authority  string    `json:"authority"`
	Generation int       `json:"generation"`
	Serial     string    `json:"serial"` // lower-case hex
	At         time.Time `json:"at"`
	Reason     int       `json:"reason"` // RFC 5280 5.3.1
}

// ManifestItem is one certificate to be signed. Files are slash-separated
// paths in the request.
type ManifestItem struct {
	Authority  string `json:"authority"`
	Generation int    `json:"generation"`
	Source     string `json:"source"`
	CSR        string `json:"csr,omitempty"`
	Evidence   string `json:"evidence,omitempty"`
	SPKISHA256 string `json:"spki_sha256,omitempty"` // hex; the plan's pin
	Previous   string `json:"previous,omitempty"`    // certificate of the generation before
}

// encode writes a manifest in its one form: two spaces of indentation and a
// newline at the end.
func (m Manifest) encode() ([]byte, error) {
	data, err := strict.Indented(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestFile, err)
	}
	return data, nil
}

// parseManifest reads a manifest in the form that encode writes and no other.
// What it says is not checked here.
func parseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := strict.JSON(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", ManifestFile, err)
	}
	if m.Version != Version {
		return Manifest{}, fmt.Errorf("%s: version %d is not known here, %d is", ManifestFile, m.Version, Version)
	}
	again, err := m.encode()
	if err != nil {
		return Manifest{}, err
	}
	if !bytes.Equal(again, data) {
		return Manifest{}, fmt.Errorf("%s: not in the form that a request is written in", ManifestFile)
	}
	return m, nil
}

// differs names what one manifest says otherwise than the files do.
func (m Manifest) differs(want Manifest) error {
	var errs []error
	field := func(name string, got, want any) {
		if got != want {
			errs = append(errs, fmt.Errorf("%s: %s is %v, the other files make it %v", ManifestFile, name, got, want))
		}
	}
	field("sequence", m.Sequence, want.Sequence)
	field("ceremony", m.Ceremony, want.Ceremony)
	field("organization", m.Organization, want.Organization)
	field("created", m.Created.Format(time.RFC3339Nano), want.Created.Format(time.RFC3339Nano))
	field("ledger_head", m.LedgerHead, want.LedgerHead)
	field("ledger_entries", m.LedgerEntries, want.LedgerEntries)
	field("root", m.Root, want.Root)
	field("root_generation", m.RootGeneration, want.RootGeneration)
	field("crl", m.CRL.String(), want.CRL.String())
	field("destroy", m.Destroy, want.Destroy)
	field("number of items", len(m.Items), len(want.Items))
	if len(m.Items) == len(want.Items) && !slices.Equal(m.Items, want.Items) {
		for i := range m.Items {
			field(fmt.Sprintf("item %d", i+1), m.Items[i], want.Items[i])
		}
	}
	return errors.Join(errs...)
}

// String says what a CRL will hold, for comparison.
func (c *ManifestCRL) String() string {
	if c == nil {
		return "none"
	}
	return fmt.Sprintf("%d, %s to %s, revokes %v", c.Number, c.ThisUpdate.Format(time.RFC3339), c.NextUpdate.Format(time.RFC3339), c.Revoked)
}
