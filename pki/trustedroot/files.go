package trustedroot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// maxFile bounds one certificate, chain or key file, in bytes.
const maxFile = 1 << 20

// ReadIncludes returns the trusted roots that a plan includes, in the order of
// their pins. Each must be a file within the trust directory, of at most one
// MiB, with the SHA-256 that its pin states; the error joins all that are not.
func ReadIncludes(files fs.FS, pins []ledger.File) ([][]byte, error) {
	out := make([][]byte, len(pins))
	var problems []error
	for i, pin := range pins {
		data, err := readFile(files, pin)
		if err != nil {
			problems = append(problems, fmt.Errorf("include %d: %w", i+1, err))
		}
		out[i] = data
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fault.New(fault.Verification,
			"Compare the included file with its source; when the change is meant, review it with the diff command and pin its new digest in the plan.", err)
	}
	return out, nil
}

// readFile returns the content of a file. A path that leaves the trust
// directory, a file above one MiB and a digest other than the stated one are
// refused.
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
	if got := digest.Hex(data); got != f.SHA256 {
		return nil, fmt.Errorf("file %s: SHA-256 is %s, expected %s", f.Path, got, f.SHA256)
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
