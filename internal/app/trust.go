package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// Files under trust/, laid out as a web server serves them.
const (
	TrustedRootFile   = "trust/.well-known/trusted_root.json"
	SigningConfigFile = "trust/.well-known/signing-config.json"
)

// BuildTrustedRoot writes trusted_root.json from ledger and plan, and the
// certificates and keys that it speaks of beside it. It returns its bytes.
func (d *Directory) BuildTrustedRoot() ([]byte, error) {
	data, err := trustedroot.Build(d.Plan, d.State, d.FS())
	if err != nil {
		return nil, err
	}
	if _, err := trustedroot.Check(data); err != nil {
		return nil, err
	}
	files, err := d.published()
	if err != nil {
		return nil, err
	}
	files[TrustedRootFile] = data
	return data, d.replace(files)
}

// BuildSigningConfig writes the signing config from ledger and plan and
// returns its bytes.
func (d *Directory) BuildSigningConfig() ([]byte, error) {
	data, err := trustedroot.BuildSigningConfig(d.Plan, d.State)
	if err != nil {
		return nil, err
	}
	return data, d.replace(map[string][]byte{SigningConfigFile: data})
}

// published are the certificates and keys of trust/: those of the newest
// generation under the plain name, every generation under its number.
func (d *Directory) published() (map[string][]byte, error) {
	files := map[string][]byte{}
	var errs []error
	add := func(name string, from ledger.File) {
		data, err := fs.ReadFile(d.FS(), from.Path)
		if err == nil && fileOf(from.Path, data) != from {
			err = errors.New("it is not the file that the ledger speaks of")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", from.Path, err))
			return
		}
		files["trust/"+name] = data
	}
	for name, generations := range d.State.Authorities {
		for i, g := range generations {
			for _, stem := range stems("certs/"+name, g.Number, i == len(generations)-1) {
				add(stem+".crt", g.Certificate.File)
				add(stem+"-chain.pem", g.Certificate.Chain)
			}
		}
	}
	for name, generations := range d.State.Logs {
		for i, g := range generations {
			for _, stem := range stems("keys/"+name, g.Number, i == len(generations)-1) {
				add(stem+".pub", g.Log.File)
			}
		}
	}
	return files, errors.Join(errs...)
}

func stems(stem string, generation int, newest bool) []string {
	numbered := fmt.Sprintf("%s-g%d", stem, generation)
	if newest {
		return []string{stem, numbered}
	}
	return []string{numbered}
}

// replace writes files that are made anew each time.
func (d *Directory) replace(files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.MkdirAll(filepath.Dir(d.join(name)), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", name, err)
		}
		if err := durable.Replace(d.join(name), files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
