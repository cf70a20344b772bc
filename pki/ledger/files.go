package ledger

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
)

// maxFile bounds a file that the ledger speaks of, in bytes.
const maxFile = 64 << 20

// VerifyFiles compares every file that the ledger speaks of, in the trust
// directory fsys, with its digest. The error joins every file that is missing
// or differs.
func (l *Ledger) VerifyFiles(fsys fs.FS) error {
	var wrong []error
	for _, path := range slices.Sorted(maps.Keys(l.state.Digests)) {
		if err := verifyFile(fsys, path, l.state.Digests[path]); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Verification, "restore these files from git: the ledger holds the digests that were accepted",
		errors.Join(wrong...))
}

func verifyFile(fsys fs.FS, path, want string) (err error) {
	// asked before opening: to open a pipe would wait for its other end.
	info, err := fs.Stat(fsys, path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return fmt.Errorf("%s: not a regular file, or more than %d bytes", path, maxFile)
	}
	f, err := fsys.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxFile)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s: SHA-256 is %s and the ledger has %s", path, got, want)
	}
	return nil
}

// Read returns the file's bytes, which are those that the ledger speaks of.
func (f File) Read(files fs.FS) ([]byte, error) {
	data, err := fs.ReadFile(files, f.Path)
	if err == nil && digest.Hex(data) != f.SHA256 {
		return nil, fmt.Errorf("%s is not the file that the ledger speaks of", f.Path)
	}
	return data, err
}

// Certificate reads the file's one certificate.
func (f File) Certificate(files fs.FS) (*x509.Certificate, error) {
	data, err := f.Read(files)
	if err != nil {
		return nil, err
	}
	c, err := pki.ParseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return c, nil
}
