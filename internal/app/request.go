package app

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// CreateRequest gathers what a ceremony needs into a folder under out, and
// enters the request into the ledger.
func (d *Directory) CreateRequest(ceremony, out string, now time.Time) (*request.Request, error) {
	if _, ok := d.Plan.Ceremonies[ceremony]; !ok {
		return nil, fault.New(fault.Usage, "name a ceremony of the plan with --ceremony", fmt.Errorf("the plan has no ceremony %q", ceremony))
	}
	files, err := d.gather(ceremony)
	if err != nil {
		return nil, err
	}
	ledgerBytes, err := fs.ReadFile(d.FS(), LedgerFile)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	sequence := d.State.Sequence + 1
	r, err := request.Create(filepath.Join(out, fmt.Sprintf("%04d-%s", sequence, ceremony)), request.Input{
		Ceremony: ceremony,
		Sequence: sequence,
		Plan:     d.PlanBytes,
		Ledger:   ledgerBytes,
		Created:  now,
		Files:    files,
	})
	if err != nil {
		return nil, err
	}
	digest := r.Digest()
	return r, d.append(now, ledger.Entry{Request: &ledger.Request{
		Sequence: sequence, Ceremony: ceremony, Digest: fmt.Sprintf("%x", digest),
	}})
}

// gather reads every file that the ceremony's items speak of.
func (d *Directory) gather(ceremony string) (map[string][]byte, error) {
	files := map[string][]byte{}
	var errs []error
	read := func(name, hint string) {
		data, err := fs.ReadFile(d.FS(), name)
		if err != nil {
			errs = append(errs, fault.New(fault.Failure, hint, fmt.Errorf("read %s: %w", name, err)))
			return
		}
		files[name] = data
	}
	for name, a := range d.Plan.Authorities {
		i := slices.IndexFunc(a.Generations, func(g plan.Generation) bool { return g.Ceremony == ceremony })
		if i < 0 {
			continue
		}
		g := a.Generations[i]
		dir := generationDir("authorities", name, g.Generation)
		if a.Token == nil {
			read(dir+"/request.csr", "export the request first with `trustroot kms csr "+name+"`")
			if g.Key != "external" {
				read(dir+"/key.json", "export the request first with `trustroot kms csr "+name+"`")
			}
		}
		if known := d.State.Authorities[name]; len(known) > 0 {
			read(known[len(known)-1].Certificate.File.Path, "restore the file from version control")
		}
	}
	if known := d.State.Authorities[plan.RootAuthority]; len(known) > 0 {
		read(known[len(known)-1].Certificate.File.Path, "restore the file from version control")
	}
	return files, errors.Join(errs...)
}
