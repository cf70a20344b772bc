package durable

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childTask in the environment makes this test binary do one task of the
// tests below instead of running them.
const childTask = "DURABLE_TEST_TASK"

func TestMain(m *testing.M) {
	task := os.Getenv(childTask)
	if task == "" {
		os.Exit(m.Run())
	}
	args := strings.Split(task, "\n")
	var err error
	switch args[0] {
	case "append":
		err = appendBlocks(args[1], args[2], args[3])
	case "full":
		err = runOutOfRoom(args[1], args[2], args[3])
	default:
		err = fmt.Errorf("unknown task %q", args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t *testing.T, task ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = append(os.Environ(), childTask+"="+strings.Join(task, "\n"))
	c.Stderr = new(bytes.Buffer)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func appendBlocks(path, who, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for i := range n {
		l, err := OpenExistingLog(path, time.Minute)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("process %s block %d %s\n", who, i, strings.Repeat("x", 5000))
		if err := errors.Join(l.Append([]byte(line+line)), l.Close()); err != nil {
			return err
		}
	}
	return nil
}

// runOutOfRoom expects every write of more than 64 bytes to fail.
func runOutOfRoom(fresh, old, log string) error {
	signal.Ignore(unix.SIGXFSZ)
	limit := unix.Rlimit{Cur: 64, Max: 64}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	big := []byte(strings.Repeat("x", 1000) + "\n")
	if err := Write(fresh, big, 0o600); !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("write: error %w, want EFBIG", err)
	}
	if err := Replace(old, big, 0o600); !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("replace: error %w, want EFBIG", err)
	}
	l, err := openLog(log, os.O_CREATE)
	if err != nil {
		return err
	}
	if err := l.Append(big); !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("append: error %w, want EFBIG", err)
	}
	// there was room for a part of the line, which must be gone again.
	return errors.Join(l.Append([]byte("after\n")), l.Close())
}
