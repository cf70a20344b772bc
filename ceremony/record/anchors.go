package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/anchor"
)

// maxAnchors bounds what is read; one is enough.
const maxAnchors = 100

// RoomForAnchor refuses one anchor more than is read: with it the record would
// hold no longer.
func (r *Record) RoomForAnchor() error {
	if len(r.Anchors) < maxAnchors {
		return nil
	}
	return fault.New(fault.Usage, "each of those that are there proves as much; remove some of them first if there must be a new one",
		fmt.Errorf("%s holds %d anchors, and a record has room for no more; nothing was written", r.Path, len(r.Anchors)))
}

// AddAnchor puts an anchor into a record, as a new folder of this name. It is
// there whole or not at all.
func AddAnchor(path, name string, files map[string][]byte) (err error) {
	parent := filepath.Join(path, AnchorsDir)
	if err := os.Mkdir(parent, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder of anchors: %w", err)
	}
	defer os.Remove(parent) //nolint:errcheck // it goes only where it is empty
	err = courier.NewFolder(filepath.Join(parent, name), files)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Usage, "nothing is left to do", fmt.Errorf("%s/%s is there already", AnchorsDir, name))
	}
	return err
}

// readAnchors reads the folder of anchors, where there is one. What a killed
// AddAnchor left under its temporary name is not a part of the record.
func readAnchors(path string) (map[string]map[string][]byte, error) {
	dir, err := os.Open(filepath.Join(path, AnchorsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // read only
	entries, err := dir.ReadDir(2*maxAnchors + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	whole := len(entries) <= 2*maxAnchors
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() && strings.HasPrefix(e.Name(), ".") && strings.Contains(e.Name(), ".tmp-")
	})
	if !whole || len(entries) > maxAnchors {
		return nil, fmt.Errorf("%s/: more than %d folders", AnchorsDir, maxAnchors)
	}
	anchors := map[string]map[string][]byte{}
	var errs []error
	for _, e := range entries {
		name := AnchorsDir + "/" + e.Name()
		if !e.IsDir() {
			errs = append(errs, fmt.Errorf("%s: an extra file, a record has no place for it", courier.Quote(name)))
			continue
		}
		files, err := courier.ReadFolder(filepath.Join(dir.Name(), e.Name()), anchor.Limits)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", courier.Quote(name), err))
		}
		anchors[e.Name()] = files
	}
	return anchors, errors.Join(errs...)
}
