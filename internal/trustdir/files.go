package trustdir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// File is one file to be written under the trust directory.
type File struct {
	Name string // slash-separated
	Data []byte
}

// WriteNew writes files that do not exist yet; one that exists with the same
// bytes is left as it is, one with other bytes is refused before any is
// written.
func (d *Dir) WriteNew(files ...File) error {
	var missing []File
	for _, f := range files {
		old, err := courier.ReadFile(d.Join(f.Name), courier.MaxFile)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, f)
		case err != nil:
			return fmt.Errorf("read %s: %w", f.Name, err)
		case !bytes.Equal(old, f.Data):
			return fault.New(fault.Failure, "a generation's files are written once: plan the next generation, or move this folder away if nothing was signed over it",
				fmt.Errorf("%s exists with other content; nothing was written", f.Name))
		}
	}
	for _, f := range missing {
		if err := os.MkdirAll(filepath.Dir(d.Join(f.Name)), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", f.Name, err)
		}
		if err := durable.Write(d.Join(f.Name), f.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Replace writes files that are made anew each time. One that is there with the
// same bytes is left as it is: a write is synced, and most files never change.
func (d *Dir) Replace(files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := d.Join(name)
		if old, err := courier.ReadFile(path, courier.MaxFile); err == nil && bytes.Equal(old, files[name]) {
			continue
		}
		if strings.HasPrefix(name, "trust/") {
			if err := durable.Serve(d.Path, name, files[name]); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", name, err)
		}
		if err := durable.Replace(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// FileOf names a file and its SHA-256 for the ledger.
func FileOf(path string, data []byte) ledger.File {
	return ledger.File{Path: path, SHA256: digest.Hex(data)}
}
