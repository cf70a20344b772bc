package exchange

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Create gathers what a ceremony needs into a folder under out, and
// enters the request into the ledger. An empty ceremony is the plan's only
// one. Each of csrs, by the path it was read from, is a certification request
// whose key is not in KMS: it belongs to the authority that pins its key, and
// is filed there. When anything does not hold, nothing is written.
func Create(d *trustdir.Dir, ceremony, out string, csrs map[string][]byte, now time.Time) (*request.Request, error) {
	ceremony, err := chosenCeremony(d, ceremony)
	if err != nil {
		return nil, err
	}
	outside, err := externals(d, ceremony, csrs)
	if err != nil {
		return nil, err
	}
	files, err := gather(d, ceremony, outside)
	if err != nil {
		return nil, err
	}
	ledgerBytes, err := fs.ReadFile(d.FS(), trustdir.LedgerFile)
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
		External: outside.authorities(),
	})
	if err != nil {
		return nil, err
	}
	if err := enterRequest(d, r, outside, now); err != nil {
		// another run may have taken the number: a request that the ledger
		// does not know must not stay on the stick.
		err = fault.New(fault.Code(fault.ExitCode(err)), "", fmt.Errorf("%w; the request was taken away again", err))
		return nil, errors.Join(err, os.RemoveAll(r.Path), os.Remove(r.Path+".tar"))
	}
	return r, nil
}

func enterRequest(d *trustdir.Dir, r *request.Request, outside external, now time.Time) error {
	var list []trustdir.File
	for _, name := range slices.Sorted(maps.Keys(outside)) {
		list = append(list, trustdir.File{Name: name, Data: outside[name].data})
	}
	if err := d.WriteNew(list...); err != nil {
		return err
	}
	digest := r.Digest()
	return d.Append(now, ledger.Entry{Request: &ledger.Request{
		Sequence: r.Manifest.Sequence, Ceremony: r.Manifest.Ceremony, Digest: fmt.Sprintf("%x", digest),
	}})
}

// ceremony is the one that was named, or the plan's only one.
func chosenCeremony(d *trustdir.Dir, name string) (string, error) {
	names := slices.Sorted(maps.Keys(d.Plan.Ceremonies))
	if name == "" && len(names) == 1 {
		return names[0], nil
	}
	if _, ok := d.Plan.Ceremonies[name]; !ok {
		return "", fault.New(fault.Usage, "name a ceremony of the plan with --ceremony: "+strings.Join(names, ", "), fmt.Errorf("the plan has no ceremony %q", name))
	}
	return name, nil
}

// gather reads every file that the ceremony's items speak of.
func gather(d *trustdir.Dir, ceremony string, outside external) (map[string][]byte, error) {
	files := map[string][]byte{}
	var errs []error
	read := func(name, hint string) {
		if o, given := outside[name]; given {
			files[name] = o.data
			return
		}
		data, err := fs.ReadFile(d.FS(), name)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s is missing", name)
		}
		if err != nil {
			errs = append(errs, fault.New(fault.Failure, hint, err))
			return
		}
		files[name] = data
	}
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Authorities)) {
		a := d.Plan.Authorities[name]
		mine := slices.DeleteFunc(slices.Clone(a.Generations), func(g plan.Generation) bool { return g.Ceremony != ceremony })
		for _, g := range mine {
			dir := trustdir.GenerationDir("authorities", name, g.Generation)
			switch {
			case a.Token != nil:
			case g.Key == plan.ExternalKey:
				read(dir+"/"+trustdir.CsrFile, "bring the request from the key's holder with --csr FILE; nothing was written")
			default:
				hint := "export the request first with `trustroot kms csr " + name + "`; nothing was written"
				read(dir+"/"+trustdir.CsrFile, hint)
				read(dir+"/"+trustdir.EvidenceFile, hint)
			}
		}
		if known := d.State.Authorities[name]; len(mine) > 0 && len(known) > 0 {
			read(known[len(known)-1].Certificate.File.Path, "restore the file from version control; nothing was written")
		}
	}
	known, n := d.State.Authorities[plan.RootAuthority], d.Plan.RootOf(ceremony)
	if n == 0 {
		n = len(known)
	}
	if n > 0 && n <= len(known) { // a ceremony that makes a root has none above it
		read(known[n-1].Certificate.File.Path, "restore the file from version control; nothing was written")
	}
	return files, errors.Join(errs...)
}
