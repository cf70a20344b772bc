package exchange

import (
	"bytes"
	"cmp"
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
	// its own name, whatever folder it came in
	name := "ceremonies/" + v.Request.Plan.Ceremonies[v.Request.Manifest.Ceremony].Day + "-" + v.Request.Manifest.Ceremony
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
	if c := v.Request.Manifest.CRL; c != nil {
		file, entry := crlOf(v)
		files, entries = append(files, file), append(entries, entry)
	}
	if v.Request.Manifest.Destroy {
		entries = append(entries, ledger.Entry{Ended: &ledger.Ended{Name: plan.RootAuthority, Generation: max(v.Request.Manifest.RootGeneration, 1),
			What: ledger.EndDestroyed, At: now.UTC().Truncate(time.Second), Ceremony: v.Request.Manifest.Ceremony}})
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
	sum := fmt.Sprintf("%x", v.Request.Digest())
	sent := false
	for _, e := range d.Ledger.Entries() {
		if e.Record != nil && e.Record.Request == sum {
			return fault.New(fault.Usage, "nothing is left to do", errors.New("this record was accepted before"))
		}
		sent = sent || e.Request != nil && e.Request.Digest == sum
	}
	if !sent {
		return fault.New(fault.Verification, "accept the record in the trust directory that its request came from",
			errors.New("this ledger never sent out the record's request"))
	}
	var errs []error
	made := v.Request.Root == nil
	for _, i := range v.Issued {
		issuer := plan.RootAuthority
		if made || i.Authority == plan.RootAuthority {
			issuer = "" // the ledger does not have that root yet
		}
		errs = append(errs, d.State.Refuses(digest.Hex(i.Certificate.RawSubjectPublicKeyInfo), issuer, max(v.Request.Manifest.RootGeneration, 1)))
	}
	return errors.Join(append(errs, d.Ledger.CheckHead(v.Request.Manifest.LedgerHead))...)
}

// crlOf files a record's CRL.
func crlOf(v *ceremony.Verified) (trustdir.File, ledger.Entry) {
	m, n := v.Request.Manifest, max(v.Request.Manifest.RootGeneration, 1)
	name := fmt.Sprintf("crls/root-g%d-%d.crl", n, m.CRL.Number)
	c := &ledger.CRL{Issuer: plan.RootAuthority, Generation: n, Number: m.CRL.Number, ThisUpdate: m.CRL.ThisUpdate, NextUpdate: m.CRL.NextUpdate,
		File: trustdir.FileOf(name, v.CRL), Ceremony: m.Ceremony}
	for _, r := range m.CRL.Revoked {
		c.Revoked = append(c.Revoked, r.Serial)
	}
	return trustdir.File{Name: name, Data: v.CRL}, ledger.Entry{CRL: c}
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
	_, url := v.Request.Plan.PlaceOf(i.Authority, i.Generation)
	var under int
	if i.Authority != plan.RootAuthority {
		under = max(v.Request.Manifest.RootGeneration, 1)
	}
	return ledger.Certificate{
		IssuerGeneration: under,
		Standby:          i.Authority == plan.RootAuthority && v.Request.Plan.Authorities[i.Authority].Generations[i.Generation-1].Standby,
		Authority:        i.Authority,
		Generation:       i.Generation,
		Profile:          v.Request.Plan.Authorities[i.Authority].Profile,
		Serial:           ledger.SerialHex(i.Certificate.SerialNumber),
		SPKISHA256:       digest.Hex(i.Certificate.RawSubjectPublicKeyInfo),
		Issuer:           cmp.Or(v.Request.Plan.IssuerOf(i.Authority), plan.RootAuthority), // the root names itself
		NotBefore:        i.Certificate.NotBefore.UTC(),
		NotAfter:         i.Certificate.NotAfter.UTC(),
		File:             trustdir.FileOf(dir+"/certificate.pem", i.Leaf),
		Chain:            trustdir.FileOf(dir+"/chain.pem", i.Chain),
		URL:              url,
		Ceremony:         v.Request.Manifest.Ceremony,
	}
}
