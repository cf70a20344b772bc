package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestLog_AppendAndData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for i := range 3 {
		l, err := openLog(path, os.O_CREATE)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(fmt.Appendf(nil, "line %d\n", i)); err != nil {
			t.Fatal(err)
		}
		if err := l.Append([]byte("more\nand more\n")); err != nil {
			t.Fatal(err)
		}
		data, err := l.Data()
		if err != nil {
			t.Fatal(err)
		}
		if want := 3 * (i + 1); bytes.Count(data, []byte("\n")) != want {
			t.Errorf("log holds %q, want %d lines", data, want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLog_RefusesALineWithoutNewline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := openTestLog(t, path)
	for _, line := range []string{"", "half"} {
		if err := l.Append([]byte(line)); err == nil {
			t.Errorf("%q was appended", line)
		}
	}
	wantFile(t, path, "")
}

func TestLog_LockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := openTestLog(t, path)
	if _, err := openLog(path, os.O_CREATE); !errors.Is(err, ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
	if _, err := OpenExistingLog(path, 20*time.Millisecond); !errors.Is(err, ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
	if _, err := ReadLog(path, 0); !errors.Is(err, ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadLog(path, 0); err != nil {
		t.Errorf("read an unlocked log: %v", err)
	}
	again, err := OpenExistingLog(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenExistingLog_Missing(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenExistingLog(filepath.Join(dir, "log"), time.Second); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	wantNames(t, dir)
}

func TestOpenLog_RefusesALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "log")); err != nil {
		t.Fatal(err)
	}
	if _, err := openLog(filepath.Join(dir, "log"), os.O_CREATE); err == nil {
		t.Error("a symbolic link was opened as a log")
	}
	wantNames(t, dir, "log")
}

func TestLog_Truncate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := openTestLog(t, path)
	if err := l.Append([]byte("whole\n")); err != nil {
		t.Fatal(err)
	}
	if err := l.Truncate(7); err == nil {
		t.Error("truncated to more than there is")
	}
	if err := l.Truncate(3); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]byte("le\n")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "whole\n")
}

func TestLog_ClosedFileIsInDoubt(t *testing.T) {
	l := openTestLog(t, filepath.Join(t.TempDir(), "log"))
	if err := l.f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]byte("a\n")); err == nil {
		t.Fatal("appended to a closed file")
	}
	if l.broken == nil {
		t.Error("the cut failed too, but the log is not in doubt")
	}
}

// TestLog_ProcessesNeverInterleave runs this test binary several times at
// once, each appending multi-line blocks, and looks for a block that is broken.
func TestLog_ProcessesNeverInterleave(t *testing.T) {
	const processes, blocks = 4, 50
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var children []*exec.Cmd
	for i := range processes {
		children = append(children, child(t, "append", path, fmt.Sprint(i), fmt.Sprint(blocks)))
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, c.Stderr)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(lines) != 2*processes*blocks {
		t.Fatalf("%d lines, want %d", len(lines), 2*processes*blocks)
	}
	for i := 0; i < len(lines); i += 2 {
		if !bytes.Equal(lines[i], lines[i+1]) {
			t.Fatalf("lines %d and %d are not of one block: %q, %q", i, i+1, lines[i], lines[i+1])
		}
	}
}

// TestFullDisk_NothingIsLeft has a child run out of room, by way of
// RLIMIT_FSIZE, in each of the package's writes.
func TestFullDisk_NothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old")
	log := filepath.Join(dir, "log")
	for _, p := range []string{old, log} {
		if err := os.WriteFile(p, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := child(t, "full", filepath.Join(dir, "new"), old, log)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, c.Stderr)
	}
	wantNames(t, dir, "log", "old")
	wantFile(t, old, "before\n")
	wantFile(t, log, "before\nafter\n")
}

func openTestLog(t *testing.T, path string) *Log {
	t.Helper()
	l, err := openLog(path, os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return l
}
