package holders

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// HolderKeys reads the key of everybody in holders/: those that the plan names,
// and those that it no longer names or who have another key now.
func HolderKeys(d *trustdir.Dir) (current, former []tuf.Holder, err error) {
	var errs []error
	read := func(name, path string, into *[]tuf.Holder) {
		data, err := fs.ReadFile(d.FS(), path)
		if errors.Is(err, fs.ErrNotExist) {
			return // invited, and not joined yet
		}
		key, errKey := pki.ParsePublicKey(data)
		if err := errors.Join(err, errKey); err != nil {
			errs = append(errs, fmt.Errorf("key of holder %s in %s: %w", name, path, err))
			return
		}
		*into = append(*into, tuf.Holder{Name: name, PublicKey: key})
	}
	for _, name := range holderFolders(d) {
		into := &current
		if _, planned := d.Plan.Holders[name]; !planned {
			into = &former
		}
		read(name, trustdir.HolderDir(name)+"key.pem", into)
		old, err := fs.Glob(d.FS(), trustdir.HolderDir(name)+formerDir+"/*/key.pem")
		errs = append(errs, err)
		for _, path := range old {
			read(name, path, &former)
		}
	}
	return current, former, errors.Join(errs...)
}

// holderFolders are the names in holders/, sorted.
func holderFolders(d *trustdir.Dir) []string {
	entries, err := fs.ReadDir(d.FS(), "holders")
	if err != nil {
		return nil // nobody has joined
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
