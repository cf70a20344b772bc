package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process has the log open.
var ErrLocked = errors.New("another process is using it")

// Log is a file that grows by whole lines. It holds an exclusive flock from
// opening to Close, so two processes never interleave, provided that both come
// through this package. A lock dies with its process.
type Log struct {
	path   string
	f      *os.File
	size   int64
	broken error // why nothing more may be appended
}

// OpenExistingLog opens a log that must be there and locks it, trying for as
// long as wait before it gives up with ErrLocked.
func OpenExistingLog(path string, wait time.Duration) (*Log, error) {
	var l *Log
	err := retry(wait, func() (err error) {
		l, err = openLog(path, 0)
		return err
	})
	return l, err
}

// ReadLog reads a log that another process may be appending to, under a shared
// lock: it never sees half of an append. It tries for as long as wait before it
// gives up with ErrLocked.
func ReadLog(path string, wait time.Duration) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	err = retry(wait, func() error { return flock(f, unix.LOCK_SH) })
	var data []byte
	if err == nil {
		_, err = judge(f)
	}
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, maxLog))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read log %s: %w", path, err)
	}
	return data, nil
}

// maxLog bounds a log, in bytes: a ledger line has some hundred.
const maxLog = 64 << 20

// judge describes a log, which must be a regular file of at most maxLog bytes.
func judge(f *os.File) (fs.FileInfo, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > maxLog:
		return nil, fmt.Errorf("%d bytes, more than the %d it may have", info.Size(), maxLog)
	}
	return info, nil
}

// retry calls try until it fails with anything but ErrLocked, or passes, or
// wait is over.
func retry(wait time.Duration, try func() error) error {
	const pause = 5 * time.Millisecond
	for end := time.Now().Add(wait); ; time.Sleep(pause) {
		if err := try(); !errors.Is(err, ErrLocked) || !time.Now().Before(end) {
			return err
		}
	}
}

func flock(f *os.File, how int) error {
	err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

func openLog(path string, create int) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK|create, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l := &Log{path: path, f: f}
	if err := l.lock(); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return l, nil
}

func (l *Log) lock() error {
	if err := flock(l.f, unix.LOCK_EX); err != nil {
		return err
	}
	info, err := judge(l.f)
	if err != nil {
		return err
	}
	// the lock is on the file, not on its name: one that was replaced
	// meanwhile is somebody else's.
	named, err := os.Lstat(l.path)
	if err != nil {
		return err
	}
	if !os.SameFile(info, named) {
		return ErrLocked
	}
	l.size = info.Size()
	return nil
}

// Data reads the whole log.
func (l *Log) Data() ([]byte, error) {
	data := make([]byte, l.size)
	if _, err := io.ReadFull(io.NewSectionReader(l.f, 0, l.size), data); err != nil {
		return nil, fmt.Errorf("read %s: %w", l.path, err)
	}
	return data, nil
}

// Append writes one line, or several, at the end and flushes them. It adds
// nothing itself: line must end with a newline. When it fails, the log is cut
// back to what it was; when that fails too, or when the disk refused to flush,
// nothing more can be appended until the log is opened and checked again.
func (l *Log) Append(line []byte) error {
	if l.broken != nil {
		return fmt.Errorf("append to %s: an earlier append left it in doubt, open it again: %w", l.path, l.broken)
	}
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return fmt.Errorf("append to %s: the line does not end with a newline", l.path)
	}
	if _, err := l.f.Write(line); err != nil {
		return fmt.Errorf("append to %s: %w", l.path, errors.Join(err, l.cut(l.size)))
	}
	if err := l.f.Sync(); err != nil {
		err = errors.Join(err, l.cut(l.size))
		l.broken = err
		return fmt.Errorf("append to %s: %w", l.path, err)
	}
	l.size += int64(len(line))
	return nil
}

// Truncate cuts the log to its first size bytes and flushes it: for a last
// line that a crash left incomplete.
func (l *Log) Truncate(size int64) error {
	if size < 0 || size > l.size {
		return fmt.Errorf("truncate %s: %d is not within its %d bytes", l.path, size, l.size)
	}
	if err := l.cut(size); err != nil {
		return fmt.Errorf("truncate %s: %w", l.path, err)
	}
	return nil
}

func (l *Log) cut(size int64) error {
	if err := errors.Join(l.f.Truncate(size), l.f.Sync()); err != nil {
		l.broken = err
		return fmt.Errorf("cut back to %d bytes: %w", size, err)
	}
	l.size = size
	return nil
}

// Close releases the lock and closes the file.
func (l *Log) Close() error { return l.f.Close() }
