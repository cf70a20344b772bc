package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Sealed is a copy of an artifact in a memory file that nobody can change any
// more, not even who holds it open (memfd_create(2), F_SEAL_WRITE): what is
// judged is what runs.
type Sealed struct{ file *os.File }

// seals keep bytes and length as they are, and the seals themselves.
const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// Seal copies a file into a sealed memory file. A script is refused: the kernel
// hands its interpreter a path that is read again, and closed by then.
func Seal(ctx context.Context, path string) (*Sealed, error) {
	from, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }() // it was only read
	start := make([]byte, 2)
	if _, err := io.ReadFull(from, start); err == nil && string(start) == "#!" {
		return nil, fmt.Errorf("%s is a script: its interpreter would read it again after the check; run the interpreter, with the script verified and unchangeable by other means", path)
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("trustroot-verify", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate("trustroot-verify", flags) // before Linux 6.3 each may be executed
	}
	if err != nil {
		return nil, fmt.Errorf("make a memory file: %w", err)
	}
	s := &Sealed{file: os.NewFile(uintptr(fd), path)}
	if _, err := io.Copy(s.file, interruptible(ctx, from)); err != nil {
		return nil, errors.Join(fmt.Errorf("copy %s into memory: %w", path, err), s.file.Close())
	}
	if _, err := unix.FcntlInt(s.file.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(fmt.Errorf("seal the memory file: %w", err), s.file.Close())
	}
	return s, nil
}

// reader reads the sealed bytes from their start.
func (s *Sealed) reader() io.Reader { return io.NewSectionReader(s.file, 0, 1<<62) }

// Exec replaces this program by the sealed one. It returns only with an error.
func (s *Sealed) Exec(args, env []string) error {
	path := "/proc/self/fd/" + strconv.Itoa(int(s.file.Fd()))
	return fmt.Errorf("run %s: %w", args[0], unix.Exec(path, args, env))
}
