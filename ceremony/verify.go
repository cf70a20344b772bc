package ceremony

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

const hintRecord = "do not use this record; keep it and ask who was there"

// VerifyOptions are what a record is judged with.
type VerifyOptions struct {
	Linter    Linter
	Rehearsal bool // accept the virtual token that the record's own plan pins
	// Logs are the log keys that somebody trusts beside those that the record's
	// own plan pins; nil where nobody said.
	Logs []LogKey
}

// Linter judges certificates and CRLs.
type Linter interface {
	pki.Linter
	pki.CRLLinter
}

// Claim is one thing that a record proves, or that it can only say.
type Claim struct {
	Text   string `json:"claim"`
	By     string `json:"by"`              // what proves it, or who has to be believed
	People bool   `json:"rests_on_people"` // nothing in the record proves it
}

// Issued is one certificate of a verified record.
type Issued struct {
	Authority   string
	Generation  int
	Certificate *x509.Certificate
	Chain       []byte // PEM, leaf-first, root last
	Leaf        []byte // PEM
}

// Verified is a record and what it proves.
type Verified struct {
	Record    *record.Record
	Request   *request.Request
	Issued    []Issued // the root first, where the ceremony made it
	CRL       []byte   // DER; nil where the ceremony made none
	Witnesses []Witness
	Anchors   []*anchor.Anchor // the earliest first
	Claims    []Claim
}

// Witness is a token that signed the record beside the record key.
type Witness struct {
	Serial uint32 `json:"serial"`
	Name   string `json:"name"` // of the plan's holder with this token; empty: none
}

// verifier is one judgement under way.
type verifier struct {
	VerifyOptions
	Verified
	plan      plan.Ceremony
	roots     attestation.Roots
	root      *x509.Certificate
	statement []byte
	entries   []journal.Entry
	at        time.Time                  // when the journal began
	results   map[string]signResult      // by authority, from the journal
	done      map[string]json.RawMessage // results of the other steps
	unpinned  []Claim                    // about log keys that nothing here names
}

// check is one claim: text says what is claimed, prove returns by what.
type check struct {
	text  string
	prove func() (by string, err error)
}

// Verify judges a record by itself, claim by claim. It returns what was proved
// before the first claim that does not hold, beside an error that names the
// claim and the file.
func Verify(path string, o VerifyOptions) (*Verified, error) {
	v := &verifier{VerifyOptions: o, results: map[string]signResult{}}
	for _, c := range []check{
		{"every sealed file is the one that was sealed", func() (string, error) { return v.open(path) }},
		{"the request is whole and agrees with its plan and ledger", v.request},
		{"this is not a rehearsal, or one that was asked for", v.rehearsal},
		{"the journal is whole, in order, closed, and about this request", v.journal},
		{"every step was done once, and every attempt is in the journal", v.steps},
		{"every certificate is the one that the plan describes, over the key of the request", v.certificates},
		{"the CRL is the one that plan and ledger describe", v.crl},
		{"the root key was made on the plan's token and cannot leave it", v.rootKey},
		{"the root key was destroyed", v.destroyed},
		{"the record key is on the same token", v.recordKey},
		{"the record key signed this record and no other", v.signature},
		{"the witnesses' tokens signed the same", v.witnesses},
		{"the record existed when its anchors say", v.anchored},
	} {
		by, err := c.prove()
		if err != nil {
			if fault.ExitCode(err) == int(fault.Usage) {
				return nil, err
			}
			err = fault.New(fault.Verification, cmp.Or(fault.Hint(err), hintRecord), fmt.Errorf("record %s: not proved: %s: %w", path, c.text, err))
			if v.Request == nil {
				return nil, err // there is nothing to show
			}
			return &v.Verified, err
		}
		if by != "" {
			v.Claims = append(v.Claims, Claim{Text: c.text, By: by})
		}
	}
	v.Claims = append(v.Claims, v.believed()...)
	return &v.Verified, nil
}

func (v *verifier) open(path string) (string, error) {
	rec, err := record.Open(path)
	if err != nil {
		return "", err
	}
	v.Record = rec
	digest := rec.Digest()
	return fmt.Sprintf("SHA256SUMS over %d files, itself %s", len(rec.Files)-1, pki.HexGroups(digest[:])), nil
}

func (v *verifier) request() (string, error) {
	req, err := request.Open(v.Record.RequestPath())
	if err != nil {
		return "", fmt.Errorf("sealed/request: %w", err)
	}
	v.Request, v.plan, v.root = req, req.Plan.Ceremonies[req.Manifest.Ceremony], req.Root
	digest := req.Digest()
	return "its SHA256SUMS, " + pki.HexGroups(digest[:]), nil
}

func (v *verifier) rehearsal() (string, error) {
	roots, err := Roots(v.Request.Plan, v.Rehearsal)
	if err != nil {
		return "", err
	}
	v.roots = roots
	if v.Rehearsal {
		return "the attestation root of a virtual token, pinned in the record's own plan: REHEARSAL", nil
	}
	return "Yubico's attestation roots, which are part of this program", nil
}

// Exceptions are the rules that the journal says were set aside on the day.
func (v *Verified) Exceptions() []string {
	entries, err := journal.Verify(v.Record.Files[record.Journal])
	if err != nil {
		return nil // Verify read it before
	}
	return exceptions(entries)
}
