package ceremony

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// finish closes the journal, seals the record and has the record key sign it.
// A run that was cut after the journal was closed seals again: the same files,
// and one signature that leaves.
func (d *day) finish(ctx context.Context) error {
	if !d.journal.Finished() {
		if err := d.journal.Finish(nil); err != nil {
			return err
		}
	}
	sealed, err := sealed(d)
	if err != nil {
		return err
	}
	statement, err := statementOf(d.Request, sealed)
	if err != nil {
		return err
	}
	d.Operator.Notice("The record key signs the record. Its digest: " + pki.HexGroups(digestOf(sealed[courier.SumsFile])))
	signer, err := recordSigner(ctx, d)
	if err != nil {
		return err
	}
	envelope, err := record.Sign(ctx, statement, signer)
	if err != nil {
		return err
	}
	if err := record.Write(d.final, sealed, envelope); err != nil {
		return fault.New(fault.Failure, "free space or put the stick back, and run the same command again", err)
	}
	// the record holds the journal now
	if err := os.RemoveAll(d.work); err != nil {
		return fmt.Errorf("the record is whole in %s, but %s stays: %w", d.final, d.work, err)
	}
	return nil
}

// sealed are the files that the record seals. Pieces of a journal line that a
// crash tore lie beside the journal and come along.
func sealed(d *day) (map[string][]byte, error) {
	files := maps.Clone(d.files)
	entries, err := os.ReadDir(d.work)
	if err != nil {
		return nil, fmt.Errorf("read the journal's folder: %w", err)
	}
	for _, e := range entries {
		data, err := courier.ReadFile(filepath.Join(d.work, e.Name()), courier.MaxFile)
		if err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		files[e.Name()] = data
	}
	for name, data := range d.Request.Files {
		files[record.RequestDir+"/"+name] = data
	}
	issued, err := certificateFiles(d.issued, d.root)
	if err != nil {
		return nil, err
	}
	maps.Copy(files, issued)
	if files[record.Report], err = renderReport(d.Request, files, nil); err != nil {
		return nil, err
	}
	return record.Seal(files)
}

func digestOf(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// issued is one certificate of the ceremony.
type issued struct {
	authority  string
	generation int
	cert       *x509.Certificate
}

// certificateFiles are the files of the certificates and their chains.
func certificateFiles(all []issued, root *x509.Certificate) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, i := range all {
		chain := append([]*x509.Certificate{i.cert}, issuers(i.authority, root)...)
		leaf, errL := pki.EncodeCertificate(i.cert)
		text, errC := pki.EncodeCertificates(chain)
		if err := errors.Join(errL, errC); err != nil {
			return nil, err
		}
		files[record.CertificateFile(i.authority, i.generation)] = leaf
		files[record.ChainFile(i.authority, i.generation)] = text
	}
	return files, nil
}

// statementOf writes the one statement that follows from sealed files, the
// journal's head among what it says.
func statementOf(r *request.Request, sealed map[string][]byte) ([]byte, error) {
	text := sealed[record.Journal]
	entries, err := journal.Verify(text)
	if err != nil {
		return nil, err
	}
	sum := r.Digest()
	m := r.Manifest
	c := r.Plan.Ceremonies[m.Ceremony]
	p := record.Predicate{
		Organization:   r.Plan.Organization,
		Ceremony:       m.Ceremony,
		Day:            c.Day,
		Rehearsal:      r.Plan.Rehearsal != nil,
		Token:          c.Token,
		Sequence:       m.Sequence,
		Request:        hex.EncodeToString(sum[:]),
		LedgerHead:     m.LedgerHead,
		JournalHead:    journal.HeadOf(text),
		JournalEntries: len(entries),
		Certificates:   []record.Certificate{},
	}
	for _, item := range r.Items {
		name := record.CertificateFile(item.Authority, item.Generation)
		cert, err := pki.ParseCertificate(sealed[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.Certificates = append(p.Certificates, record.Certificate{
			Authority:  item.Authority,
			Generation: item.Generation,
			Serial:     ledger.SerialHex(cert.SerialNumber),
			SHA256:     digest.Hex(cert.Raw),
		})
	}
	return record.NewStatement(sealed, p)
}
