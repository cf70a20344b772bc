package ceremony

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// finish closes the journal and seals the record. A run that was cut between
// the two finds the journal closed and seals again.
func (d *day) finish() error {
	if !d.journal.Finished() {
		if err := d.journal.Finish(nil); err != nil {
			return err
		}
	}
	files, err := d.files()
	if err != nil {
		return err
	}
	if err := record.Write(d.final, files); err != nil {
		return err
	}
	// the record holds the journal now
	if err := os.RemoveAll(d.work); err != nil {
		return fmt.Errorf("the record is whole in %s, but %s stays: %w", d.final, d.work, err)
	}
	return nil
}

// files are what the record seals. Pieces of a journal line that a crash tore
// lie beside the journal and come along.
func (d *day) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	entries, err := os.ReadDir(d.work)
	if err != nil {
		return nil, fmt.Errorf("read the journal's folder: %w", err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(d.work, e.Name()))
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
	if d.pair != nil {
		slot, errS := pki.EncodeCertificate(d.pair.Slot)
		device, errD := pki.EncodeCertificate(d.pair.Device)
		if err := errors.Join(errS, errD); err != nil {
			return nil, err
		}
		files[record.SlotFile], files[record.DeviceFile] = slot, device
	}
	return files, nil
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
		chain := []*x509.Certificate{i.cert}
		if i.authority != plan.RootAuthority {
			chain = append(chain, root)
		}
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
