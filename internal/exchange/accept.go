package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// AcceptOptions say how a record is accepted.
type AcceptOptions struct {
	ceremony.VerifyOptions
	// WithoutSession leaves recordings and pictures where they are.
	WithoutSession bool
}

// Accept verifies a record, files it and its certificates, and enters them
// into the ledger. A record is accepted once; run again after an
// interruption, it completes.
func Accept(d *trustdir.Dir, path string, o AcceptOptions, now time.Time) ([]ledger.Certificate, error) {
	v, err := ceremony.Verify(path, o.VerifyOptions)
	if err != nil {
		return nil, err
	}
	if err := acceptable(d, v); err != nil {
		return nil, err
	}
	var session map[string][]byte
	if !o.WithoutSession {
		if session, err = record.ReadSession(path); err != nil {
			return nil, err
		}
	}
	name := "ceremonies/" + filepath.Base(filepath.Clean(path))
	if err := fileRecord(d, name, v.Record, session); err != nil {
		return nil, err
	}
	var files []trustdir.File
	var entries []ledger.Entry
	var accepted []ledger.Certificate
	for _, i := range v.Issued {
		dir := trustdir.GenerationDir("authorities", i.Authority, i.Generation)
		c := entryOf(v, i, dir)
		files = append(files, trustdir.File{Name: c.File.Path, Data: i.Leaf}, trustdir.File{Name: c.Chain.Path, Data: i.Chain})
		if slot := v.Record.Files[record.SlotFile]; i.Authority == plan.RootAuthority && slot != nil {
			files = append(files,
				trustdir.File{Name: dir + "/attestation/slot.pem", Data: slot},
				trustdir.File{Name: dir + "/attestation/device.pem", Data: v.Record.Files[record.DeviceFile]})
		}
		entries = append(entries, ledger.Entry{Certificate: &c})
		accepted = append(accepted, c)
	}
	if err := d.WriteNew(files...); err != nil {
		return nil, err
	}
	digest := v.Request.Digest()
	entries = append(entries, ledger.Entry{Record: &ledger.Record{
		Ceremony: v.Request.Manifest.Ceremony,
		File:     trustdir.FileOf(name+"/sealed/"+courier.SumsFile, v.Record.Files[courier.SumsFile]),
		Request:  fmt.Sprintf("%x", digest),
	}})
	return accepted, d.Append(now, entries...)
}

// acceptable holds a record against this directory: its request must be one
// that this ledger sent out and has not seen come back.
func acceptable(d *trustdir.Dir, v *ceremony.Verified) error {
	digest := fmt.Sprintf("%x", v.Request.Digest())
	sent := false
	for _, e := range d.Ledger.Entries() {
		if e.Record != nil && e.Record.Request == digest {
			return fault.New(fault.Usage, "nothing is left to do", errors.New("this record was accepted before"))
		}
		sent = sent || e.Request != nil && e.Request.Digest == digest
	}
	if !sent {
		return fault.New(fault.Verification, "accept the record in the trust directory that its request came from",
			errors.New("this ledger never sent out the record's request"))
	}
	return d.Ledger.CheckHead(v.Request.Manifest.LedgerHead)
}

// fileRecord copies what the record seals and who signed it, with the session,
// or finds it there already.
func fileRecord(d *trustdir.Dir, name string, r *record.Record, session map[string][]byte) error {
	final := d.Join(name)
	if _, err := os.Stat(final); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
			return fmt.Errorf("make the folder of records: %w", err)
		}
		dir, err := durable.NewDir(final)
		if err != nil {
			return err
		}
		defer dir.Discard()
		for name, files := range map[string]map[string][]byte{record.SealedDir: r.Files, record.SignaturesDir: r.Signatures, record.SessionDir: session} {
			if len(files) == 0 {
				continue
			}
			if err := courier.WriteFolder(filepath.Join(dir.Path(), name), files); err != nil {
				return err
			}
		}
		for name, files := range r.Anchors {
			if err := courier.WriteFolder(filepath.Join(dir.Path(), record.AnchorsDir, name), files); err != nil {
				return err
			}
		}
		return dir.Commit()
	}
	there, err := record.Open(final)
	if err != nil {
		return err
	}
	if !bytes.Equal(there.Files[courier.SumsFile], r.Files[courier.SumsFile]) {
		return fault.New(fault.Failure, "find out which of the two is the right one", fmt.Errorf("%s holds another record", name))
	}
	return nil
}

func entryOf(v *ceremony.Verified, i ceremony.Issued, dir string) ledger.Certificate {
	issuer := v.Request.Plan.Authorities[i.Authority].Issuer
	if issuer == "" {
		issuer = plan.RootAuthority
	}
	return ledger.Certificate{
		Authority:  i.Authority,
		Generation: i.Generation,
		Profile:    v.Request.Plan.Authorities[i.Authority].Profile,
		Serial:     ledger.SerialHex(i.Certificate.SerialNumber),
		SPKISHA256: digest.Hex(i.Certificate.RawSubjectPublicKeyInfo),
		Issuer:     issuer,
		NotBefore:  i.Certificate.NotBefore.UTC(),
		NotAfter:   i.Certificate.NotAfter.UTC(),
		File:       trustdir.FileOf(dir+"/certificate.pem", i.Leaf),
		Chain:      trustdir.FileOf(dir+"/chain.pem", i.Chain),
		URL:        v.Request.Plan.Authorities[i.Authority].URL,
		Ceremony:   v.Request.Manifest.Ceremony,
	}
}
