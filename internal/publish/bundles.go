package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// maxBundle bounds an archived bundle, in bytes.
const maxBundle = 4 << 20

// ReadBundle returns a bundle under the name of its file.
func ReadBundle(path string) (b judge.Bundle, err error) {
	file, err := os.Open(path)
	if err != nil {
		return b, fault.New(fault.Usage, "check the path", fmt.Errorf("read a bundle: %w", err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err := io.ReadAll(io.LimitReader(file, maxBundle+1))
	if err != nil {
		return b, fmt.Errorf("read bundle %s: %w", path, err)
	}
	if len(data) > maxBundle {
		return b, fault.New(fault.Verification, "a bundle has a few kilobytes: name the right file", fmt.Errorf("bundle %s is larger than %d bytes", path, maxBundle))
	}
	return judge.Bundle{Name: path, Data: data}, nil
}

// afterTheft ends the names of archived bundles that must not verify: what was
// signed with a key after its compromise.
const afterTheft = ".after-theft.json"

// SetAside renames the archived bundles that no longer verify under the
// trusted root of the ledger, so that they are kept as ones that must fail. It
// returns their new names.
func SetAside(d *trustdir.Dir) ([]string, error) {
	archived, err := Bundles(d)
	if err != nil || len(archived) == 0 {
		return nil, err
	}
	data, err := trustedRootBytes(d)
	if err != nil {
		return nil, nil //nolint:nilerr // with nothing to build, nothing is published that they could block
	}
	var out []string
	for _, b := range archived {
		if _, err := judge.CheckBundles(data, b); err == nil {
			continue
		}
		name := strings.TrimSuffix(b.Name, ".json") + afterTheft
		if err := os.Rename(d.Join(b.Name), d.Join(name)); err != nil {
			return out, fmt.Errorf("set a bundle aside: %w", err)
		}
		out = append(out, name)
	}
	return out, nil
}

// RestOn returns the archived bundles that verify now and would not without the
// entries of a key, by its hex SHA-256.
func RestOn(path, key string) ([]string, error) {
	d, err := trustdir.Open(path) // a state of its own, to try it on
	if err != nil {
		return nil, err
	}
	archived, err := Bundles(d)
	if err != nil || len(archived) == 0 {
		return nil, err
	}
	with, err := trustedRootBytes(d)
	if err != nil {
		return nil, nil //nolint:nilerr // nothing is published that they could rest on
	}
	for _, known := range []map[string][]ledger.Generation{d.State.Authorities, d.State.Logs} {
		for _, all := range known {
			for i := range all {
				all[i].Left = all[i].Left || all[i].Key() == key
			}
		}
	}
	without, err := trustedRootBytes(d)
	var out []string
	for _, b := range archived {
		_, now := judge.CheckBundles(with, b)
		if now != nil {
			continue
		}
		if err != nil { // without it nothing is left to verify by
			out = append(out, b.Name)
		} else if _, then := judge.CheckBundles(without, b); then != nil {
			out = append(out, b.Name)
		}
	}
	return out, nil
}

// checkArchived holds a trusted root against the archive: what was signed
// before must verify, and what was signed after a theft must not.
func checkArchived(d *trustdir.Dir, trustedRoot []byte) error {
	honest, err := Bundles(d)
	if err != nil {
		return err
	}
	if len(honest) > 0 {
		_, err = judge.CheckBundles(trustedRoot, honest...)
	}
	errs := []error{err}
	stolen, err := bundles(d, true)
	errs = append(errs, err)
	for _, b := range stolen {
		if _, err := judge.CheckBundles(trustedRoot, b); err == nil {
			errs = append(errs, fault.New(fault.Verification, "close the window of the stolen key before its misuse", fmt.Errorf("bundle %s was signed after a theft, and verifies", b.Name)))
		}
	}
	return errors.Join(errs...)
}

// Bundles returns the archived bundles that must verify, ordered by path.
func Bundles(d *trustdir.Dir) ([]judge.Bundle, error) { return bundles(d, false) }

func bundles(d *trustdir.Dir, stolen bool) ([]judge.Bundle, error) {
	keys, err := AppKeys(d)
	if err != nil {
		return nil, err
	}
	var out []judge.Bundle
	err = fs.WalkDir(d.FS(), trustdir.BundlesDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !strings.HasSuffix(path, ".json") || strings.HasSuffix(path, afterTheft) != stolen {
			return err
		}
		b, err := ReadBundle(d.Join(path))
		b.Name, b.Key = path, judge.KeyOf(b, keys...)
		out = append(out, b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return out, nil
}

// AppKeys are the public keys in PEM of the ledger's applications, of every
// generation that is not compromised: they sign bundles without a certificate.
func AppKeys(d *trustdir.Dir) ([][]byte, error) {
	var keys [][]byte
	for _, name := range slices.Sorted(maps.Keys(d.State.Apps)) {
		for _, g := range d.State.Apps[name] {
			if g.Compromised != nil {
				continue
			}
			key, err := fs.ReadFile(d.FS(), g.App.File.Path)
			if err != nil {
				return nil, fmt.Errorf("read the key of %s: %w", name, err)
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}
