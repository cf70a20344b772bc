package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// leftovers runs this program again, cuts it off, and looks for what is left:
// by Ctrl-C in the middle of the rehearsal and with everything up, and by
// SIGKILL, after which only the kernel can clean up.
func leftovers(ctx context.Context, s *suite, dir string) {
	s.step("another run, cut off: is anything left?")
	s.together(ctx,
		check{"interrupted in the rehearsal, nothing runs and nothing is left", func(ctx context.Context) error {
			return cutOff(ctx, filepath.Join(dir, "cut-rehearsal"), "the rehearsal:", syscall.SIGINT)
		}},
		check{"interrupted with everything up, nothing runs and nothing is left", func(ctx context.Context) error {
			return cutOff(ctx, filepath.Join(dir, "cut-services"), "reached services", syscall.SIGINT)
		}},
	)
	s.check(ctx, "killed with everything up, nothing runs", func(ctx context.Context) error {
		return cutOff(ctx, filepath.Join(dir, "cut-killed"), "reached services", syscall.SIGKILL)
	})
}

// cutOff sends a signal to a run of its own once it says words. Its files go
// to folder.
func cutOff(ctx context.Context, folder, words string, signal syscall.Signal) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	marker := rand.Text()
	cmd := exec.Command(self, append(os.Args[1:len(os.Args):len(os.Args)], "-until", "services", "-keep=false")...) //nolint:gosec // itself
	cmd.Env = append(os.Environ(), markerName+"="+marker, "TMPDIR="+folder)
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close() //nolint:errcheck // it was read
	cmd.Stdout, cmd.Stderr = write, write
	err = begin(cmd, syscall.SIGTERM)
	_ = write.Close()
	if err != nil {
		return err
	}
	cancel := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer cancel()
	var said strings.Builder
	lines := bufio.NewScanner(read)
	found := false
	for !found && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		found = strings.Contains(lines.Text(), words)
	}
	time.Sleep(200 * time.Millisecond) // somewhere in it
	before := marked(marker, folder)
	_ = cmd.Process.Signal(signal)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	_ = cmd.Wait() // its exit code says how it ended
	switch code := cmd.ProcessState.ExitCode(); {
	case !found:
		return fmt.Errorf("it did not come to %q:\n%s", words, tail(said.String()))
	case signal == syscall.SIGINT && code != 130:
		return fmt.Errorf("it exits with %d, want 130:\n%s", code, tail(said.String()))
	case len(before) < 3:
		return fmt.Errorf("only %d processes ran when it was cut off:\n%s", len(before), tail(said.String()))
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := marked(marker, folder)
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("left running: %s", strings.Join(left, ", "))
		}
		time.Sleep(20 * time.Millisecond)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if signal != syscall.SIGKILL && len(entries) > 0 {
		return errors.New("left behind: " + filepath.Join(folder, entries[0].Name()))
	}
	return nil
}

// marked lists processes of a run: by the variable in their environment, or by
// the folder in their arguments.
func marked(marker, folder string) []string {
	var out []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		environ, _ := os.ReadFile(file)
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if bytes.Contains(environ, []byte(markerName+"="+marker)) || bytes.Contains(command, []byte(folder)) {
			out = append(out, fmt.Sprintf("%s (%s)", filepath.Base(filepath.Dir(file)), strings.ReplaceAll(strings.TrimRight(string(command), "\x00"), "\x00", " ")))
		}
	}
	return out
}
