package ceremony

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// VerifyOptions are what a record is judged with.
type VerifyOptions struct {
	Linter    pki.Linter
	Rehearsal bool // accept the virtual token that the record's own plan pins
}

// Claim is one thing that a record proves.
type Claim struct {
	Text string `json:"claim"`
	By   string `json:"by"` // what proves it
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
	Record  *record.Record
	Request *request.Request
	Issued  []Issued // the root first, where the ceremony made it
	Claims  []Claim
}

// Verify judges a record by itself. It returns what was proved before the
// first thing that was not, beside the error.
func Verify(path string, o VerifyOptions) (*Verified, error) {
	rec, err := record.Open(path)
	if err != nil {
		return nil, err
	}
	req, err := request.Open(rec.RequestPath())
	if err != nil {
		return nil, err
	}
	v := &verifier{VerifyOptions: o, plan: req.Plan.Ceremonies[req.Manifest.Ceremony], root: req.Root,
		Verified: Verified{Record: rec, Request: req}}
	digest := rec.Digest()
	v.holds("every sealed file is the one that was sealed", fmt.Sprintf("SHA256SUMS, itself %s", pki.HexGroups(digest[:])))
	digest = req.Digest()
	v.holds("the request is whole and agrees with its plan and ledger", fmt.Sprintf("its SHA256SUMS, %s", pki.HexGroups(digest[:])))
	for _, check := range []func() error{v.journal, v.certificates, v.attestation} {
		if err := check(); err != nil {
			return &v.Verified, fault.New(fault.Verification, "do not use this record; keep it and ask who was there", fmt.Errorf("record %s: %w", path, err))
		}
	}
	return &v.Verified, nil
}

// verifier is one judgement under way.
type verifier struct {
	VerifyOptions
	Verified
	plan    plan.Ceremony
	root    *x509.Certificate
	at      time.Time             // when the journal began
	results map[string]signResult // by authority, from the journal
}

func (v *verifier) holds(text, by string) { v.Claims = append(v.Claims, Claim{text, by}) }

// journal checks the chain and that it is this request's.
func (v *verifier) journal() error {
	text := v.Record.Files[record.Journal]
	entries, err := journal.Verify(text)
	if err != nil {
		return err
	}
	head, err := journal.Opening(entries)
	if err != nil {
		return err
	}
	digest := v.Request.Digest()
	if head.RequestDigest != hex.EncodeToString(digest[:]) || head.Ceremony != v.Request.Manifest.Ceremony || head.Token != v.plan.Token {
		return errors.New("the journal is of another request, ceremony or token")
	}
	v.at = entries[0].Time
	v.results = map[string]signResult{}
	for _, e := range entries {
		if e.Kind != journal.KindResult {
			continue
		}
		if authority, ok := bytes.CutPrefix([]byte(e.Step), []byte(stepSign+" ")); ok {
			var r signResult
			if err := decode(e.Step, e.Data, &r); err != nil {
				return err
			}
			v.results[string(authority)] = r
		}
	}
	v.holds(fmt.Sprintf("the journal's %d lines are whole, in order and about this request", len(entries)), "its hash chain, which ends in "+journal.HeadOf(text))
	return nil
}

// certificates holds every certificate against plan, request and journal, and
// that there are no others.
func (v *verifier) certificates() error {
	known := 0
	for _, item := range v.Request.Items {
		if err := v.certificate(item); err != nil {
			return fmt.Errorf("certificate of %s: %w", item.Authority, err)
		}
		known += 2
	}
	for name := range v.Record.Files {
		if bytes.HasPrefix([]byte(name), []byte("certificates/")) {
			known--
		}
	}
	if known != 0 {
		return errors.New("certificates/ holds a certificate that the request does not name")
	}
	return nil
}

func (v *verifier) certificate(item request.Item) error {
	leaf := v.Record.Files[record.CertificateFile(item.Authority, item.Generation)]
	chain := v.Record.Files[record.ChainFile(item.Authority, item.Generation)]
	cert, err := pki.ParseCertificate(leaf)
	if err != nil {
		return err
	}
	spec := item.Spec
	spec.Serial = cert.SerialNumber
	spec.Issuer = v.root
	var issuers []*x509.Certificate
	if item.Authority == plan.RootAuthority {
		spec.PublicKey, v.root = cert.PublicKey, cert
	} else {
		spec.PublicKey = item.CSR.PublicKey
		issuers = []*x509.Certificate{v.root}
	}
	// the same bytes come out of the plan again, linted again
	if _, err := pki.Reprepare(cert.RawTBSCertificate, spec, issuers, v.Linter); err != nil {
		return err
	}
	if err := cert.CheckSignatureFrom(v.root); err != nil {
		return err
	}
	if v.results[item.Authority].Certificate != string(leaf) {
		return errors.New("the journal has another one")
	}
	want, err := pki.EncodeCertificates(append([]*x509.Certificate{cert}, issuers...))
	if err != nil {
		return err
	}
	if !bytes.Equal(want, chain) {
		return errors.New("its chain file is not itself and its issuers, leaf-first")
	}
	v.Issued = append(v.Issued, Issued{item.Authority, item.Generation, cert, chain, leaf})
	v.holds(fmt.Sprintf("the certificate of %s is the one that the plan describes, over the key of the request", item.Authority),
		"its to-be-signed bytes, made from the plan again, and the root's signature")
	return nil
}

// attestation proves where the root key was made, in the record of the
// ceremony that made it.
func (v *verifier) attestation() error {
	roots, err := Roots(v.Request.Plan, v.Rehearsal)
	if err != nil {
		return err
	}
	if v.Request.Root != nil {
		v.holds("the root is the one of the request", "the ledger's digest of its certificate; the record of its own ceremony attests its key")
		return nil
	}
	slot, errS := pki.ParseCertificate(v.Record.Files[record.SlotFile])
	device, errD := pki.ParseCertificate(v.Record.Files[record.DeviceFile])
	if err := errors.Join(errS, errD); err != nil {
		return err
	}
	if err := checkAttestation(v.Request.Plan, v.plan.Token, slot, device, v.root.PublicKey, roots, v.at); err != nil {
		return err
	}
	v.holds(fmt.Sprintf("the root key was made on token %d and cannot leave it", v.plan.Token), "the token's attestation")
	return nil
}
