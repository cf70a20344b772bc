package request

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Create checks an input as Open checks what comes out of it, and writes the
// request: the folder dir, whose last part must be the request's name
// ("0001-founding"), and beside it the tar. Its parent must exist, and nothing
// may stand at either name. All problems are reported together and then
// nothing is written; the same input gives the same bytes.
func Create(dir string, in Input) (*Request, error) {
	in.Ledger = wholeLines(in.Ledger)
	r, err := build(in)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	dir = filepath.Clean(dir)
	if filepath.Base(dir) != r.Name() {
		return nil, fault.New(fault.Usage, "name the folder "+r.Name(), fmt.Errorf("make request: the folder would be %s, the request is %s", filepath.Base(dir), r.Name()))
	}
	archive, err := courier.Pack(r.Name(), r.Manifest.Created, r.Files)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for _, path := range []string{dir, dir + ".tar"} {
		if _, err := os.Lstat(path); err == nil {
			return nil, fault.New(fault.Usage, "give another folder, or take away what an earlier run left there, if nobody has it yet",
				fmt.Errorf("make request: %s exists already; nothing was written", path))
		}
	}
	if err := write(dir, archive, r.Files); err != nil {
		return nil, fault.New(fault.Failure, "free space or make the folder writable, and run the same command again", fmt.Errorf("make request: %w", err))
	}
	r.Path = dir
	return r, nil
}

// write puts folder and tar in place, each at once. The folder comes last:
// where it stands, the tar stands too.
func write(dir string, archive []byte, files map[string][]byte) (err error) {
	folder, err := durable.NewDir(dir)
	if err != nil {
		return err
	}
	defer folder.Discard()
	if err := courier.WriteFolder(folder.Path(), files); err != nil {
		return err
	}
	if err := durable.Write(dir+".tar", archive, 0o644); err != nil {
		return err
	}
	if err := folder.Commit(); err != nil {
		if _, pending := errors.AsType[*durable.PendingError](err); pending {
			return err // both are in place
		}
		if removeErr := os.Remove(dir + ".tar"); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
		return err
	}
	return nil
}
