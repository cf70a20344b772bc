//go:build linux && (amd64 || arm64)

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// envRestarted tells the program that Enter ran it again: the number of the
// file that holds a restart as JSON.
const envRestarted = "TRUSTROOT_RESTARTED"

// maxRestart bounds that file, in bytes.
const maxRestart = 1 << 20

// restart is what the first run of the program hands to the second.
type restart[T any] struct {
	Landlock int   `json:"landlock"`
	Paths    Paths `json:"paths"`
	Before   T     `json:"before"`
}

// Enter confines the process to the paths and returns what before returned.
// before runs first and is not confined; it must have no other effect, because
// the program then runs again from its start with the same arguments, up to
// the same call of Enter, which returns there. Threads, open files but the
// standard ones, and locks do not survive that.
func Enter[T any](p Paths, before func() (T, error)) (T, Report, error) {
	runtime.LockOSThread() // Landlock and no_new_privs are a thread's
	r, err := resume[T]()
	if err == nil && r == nil {
		r = &restart[T]{Paths: Paths{Read: absolute(p.Read), Write: absolute(p.Write)}}
		r.Before, err = before()
		if err == nil {
			err = runAgain(r)
		}
	}
	if err != nil {
		var none T
		return none, Report{}, err
	}
	runtime.UnlockOSThread()
	filter, err := deny()
	return r.Before, newReport(r.Landlock, filter, r.Paths), err
}

// absolute names paths as the report does.
func absolute(paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, path := range paths {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		out = append(out, path)
	}
	return out
}

// runAgain restricts this thread's file system and runs the program again from
// it. It returns only where the kernel has no Landlock, or with an error.
func runAgain[T any](r *restart[T]) error {
	r.Landlock = landlockVersion()
	if r.Landlock < minLandlock {
		r.Landlock = 0
		return nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep the findings of the first run: %w", err)
	}
	if len(data) > maxRestart {
		return errors.New("keep the findings of the first run: they are too long")
	}
	// what this process has open, a socket say, is not the next one's
	if err := unix.CloseRange(3, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close files at the restart: %w", err)
	}
	fd, err := unix.MemfdCreate("restart", 0)
	if err != nil {
		return fmt.Errorf("keep the findings of the first run: %w", err)
	}
	if n, err := unix.Pwrite(fd, data, 0); err != nil || n != len(data) {
		return fmt.Errorf("keep the findings of the first run: %w", errors.Join(err, io.ErrShortWrite))
	}
	if err := restrict(r.Landlock, r.Paths); err != nil {
		return err
	}
	err = unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), envRestarted+"="+strconv.Itoa(fd)))
	return fmt.Errorf("run the program again, confined: %w", err)
}

// resume reads what the first run left, nil in the first run itself. It tries
// whether Landlock is in force instead of believing the environment.
func resume[T any]() (*restart[T], error) {
	value, ok := os.LookupEnv(envRestarted)
	if !ok {
		return nil, nil //nolint:nilnil // nothing was left
	}
	if err := os.Unsetenv(envRestarted); err != nil {
		return nil, err
	}
	fd, err := strconv.ParseUint(value, 10, 31)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s is set from outside: unset it", envRestarted)
	}
	f := os.NewFile(uintptr(fd), "restart")
	defer f.Close() //nolint:errcheck // read only
	var r restart[T]
	if err := json.NewDecoder(io.NewSectionReader(f, 0, maxRestart)).Decode(&r); err != nil {
		return nil, fmt.Errorf("%s is set from outside: unset it: %w", envRestarted, err)
	}
	root, err := os.Open("/")
	if err == nil {
		return nil, errors.Join(fmt.Errorf("the kernel does not confine the program as asked (%s is set)", envRestarted), root.Close())
	}
	if !errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("try whether the file system is closed: %w", err)
	}
	return &r, nil
}
