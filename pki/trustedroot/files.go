package trustedroot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// maxFile bounds one certificate, chain or key file, in bytes.
const maxFile = 1 << 20

// readFile returns the content of a file that the ledger speaks of. A path that
// leaves the trust directory, a file above one MiB and a digest other than the
// ledger's are refused.
func readFile(files fs.FS, f ledger.File) (data []byte, err error) {
	if !fs.ValidPath(f.Path) || f.Path == "." {
		return nil, fmt.Errorf("file %q: not a path within the trust directory", f.Path)
	}
	file, err := files.Open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", f.Path, cause(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", f.Path, cause(err))
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("file %s: larger than %d bytes", f.Path, maxFile)
	}
	digest := sha256.Sum256(data)
	if got := hex.EncodeToString(digest[:]); got != f.SHA256 {
		return nil, fmt.Errorf("file %s: SHA-256 is %s, the ledger says %s", f.Path, got, f.SHA256)
	}
	return data, nil
}

// cause strips the operation and path that the message around it names already.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
