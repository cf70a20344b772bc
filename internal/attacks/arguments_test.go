//go:build linux && cgo

package attacks

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func pipe(w *world) {
	if err := syscall.Mkfifo(w.tmp+"/f", 0o644); err != nil {
		w.Fatal(err)
	}
}

func sparse(w *world) {
	if err := os.WriteFile(w.tmp+"/f", nil, 0o644); err != nil {
		w.Fatal(err)
	}
	if err := os.Truncate(w.tmp+"/f", 1500<<20); err != nil {
		w.Fatal(err)
	}
}

// TestFileArguments gives each command that reads a file a pipe, a device, a
// folder and an endless file in its place.
func TestFileArguments(t *testing.T) {
	var rows []row
	for _, args := range [][]string{
		{"trusted-root", "lint", "FILE"},
		{"trusted-root", "show", "FILE"},
		{"trusted-root", "diff", "FILE", "{dir}/trust/.well-known/trusted_root.json"},
		{"trusted-root", "check", "FILE"},
		{"tuf", "verify", "{dir}/tuf", "--root", "FILE"},
		{"tuf", "join", "FILE", "--serial", "32000002", "--slot", "9a", "--out", "{tmp}/out.json"},
		{"plan", "check", "--file", "FILE"},
		{"verify", "FILE", "--policy", "{dir}/pki.yaml"},
		{"verify", "{dir}/pki.yaml", "--policy", "FILE"},
		{"token", "verify-attestation", "--pubkey", "FILE"},
		{"log", "key", "FILE", "--origin", "rekor.example.com", "--kind", "rekor-v2"},
	} {
		for file, do := range map[string]func(*world){"{tmp}/f": pipe, "{tmp}": nil, "/dev/zero": nil, "{tmp}/f ": sparse} {
			with := strings.Split(strings.ReplaceAll(strings.Join(args, "|"), "FILE", strings.TrimSpace(file)), "|")
			rows = append(rows, row{
				name: strings.Join(args, " ") + " = " + file, do: do, args: with, code: 2,
				words: []string{"trustroot: error: ", "trustroot: hint: "}, within: 20 * time.Second,
			})
		}
	}
	play(t, rows)
}

// TestFilesOfTheDirectory does the same to the files of the trust directory.
func TestFilesOfTheDirectory(t *testing.T) {
	pipeAt := func(name string) func(*world) {
		return func(w *world) {
			if err := os.Remove(w.path(name)); err != nil {
				w.Fatal(err)
			}
			if err := syscall.Mkfifo(w.path(name), 0o644); err != nil {
				w.Fatal(err)
			}
		}
	}
	sparseAt := func(name string) func(*world) {
		return func(w *world) {
			if err := os.Truncate(w.path(name), 1500<<20); err != nil {
				w.Fatal(err)
			}
		}
	}
	var rows []row
	for _, name := range []string{"pki.yaml", "ledger.jsonl", "authorities/fulcio/g1/certificate.pem"} {
		args := []string{"trusted-root", "build"}
		if strings.HasSuffix(name, ".pem") {
			args = []string{"ledger", "verify"}
		}
		rows = append(rows,
			row{name: name + " is a pipe", do: pipeAt(name), args: args, code: -1, words: []string{"regular file"}, within: 20 * time.Second},
			row{name: name + " is endless", do: sparseAt(name), args: args, code: -1, words: []string{"more than"}, within: 20 * time.Second})
	}
	play(t, rows)
}

func TestEmptyFlags(t *testing.T) {
	said := []string{"is given without a value", "trustroot: hint: see `"}
	play(t, []row{
		{name: "every criterion dropped", args: []string{"token", "verify-attestation", "--pubkey", "", "--serial", "0", "--slot", "", "--at", ""}, code: 2, words: []string{"--pubkey is given", "--serial is given", "--slot is given", "--at is given"}},
		{name: "serial 0", args: []string{"token", "info", "--serial", "0"}, code: 2, words: said},
		{name: "blank root", args: []string{"tuf", "verify", "{dir}/tuf", "--root", " "}, code: 2, words: said},
		{name: "empty head", args: []string{"ledger", "verify", "--head", ""}, code: 2, words: said},
		{name: "empty directory", args: []string{"status", "--dir", ""}, code: 2, words: said},
		{name: "role from an unset variable", args: []string{"kms", "list", "--key-account-role", ""}, code: 2, words: said},
		{name: "empty among several", args: []string{"ledger", "verify", "--head", "aa", "--head", ""}, code: 2, words: said},
		{name: "not given", args: []string{"ledger", "verify"}, code: 0, never: []string{"without a value"}},
	})
}

// TestPrompt_LeavesTheTerminalAsItWas suspends, continues and ends a command
// that waits for a PIN.
func TestPrompt_LeavesTheTerminalAsItWas(t *testing.T) {
	for _, last := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP} {
		w := newWorld(t)
		w.plug(tokenOf("token.json"))
		asked := make(chan struct{}, 100)
		shown := newScreen(w, func(string) string {
			asked <- struct{}{}
			return <-make(chan string) // nobody types
		})
		cmd := exec.Command(filepath.Join(built.programs, "trustroot"), "token", "unblock", "--serial", "32000001")
		cmd.Env = append(os.Environ(), w.env...)
		shown.attach(cmd)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-asked:
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing is asked\n%s", said.String())
		}
		echoes := func(want bool, when string) {
			t.Helper()
			for range 500 {
				state, err := unix.IoctlGetTermios(int(shown.slave.Fd()), unix.TCGETS)
				if err != nil {
					t.Fatal(err)
				}
				if (state.Lflag&unix.ECHO != 0) == want {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Errorf("%s: the echo is on: %v", when, !want)
		}
		echoes(false, "at the prompt")
		for _, s := range []struct {
			signal syscall.Signal
			echo   bool
		}{{syscall.SIGTSTP, true}, {syscall.SIGCONT, false}, {last, true}} {
			if err := cmd.Process.Signal(s.signal); err != nil {
				t.Fatal(err)
			}
			echoes(s.echo, s.signal.String())
			if s.signal == syscall.SIGTSTP { // a shell continues it only then
				var state unix.Siginfo
				if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &state, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		begun := time.Now()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 3 || time.Since(begun) > 2*time.Second {
			t.Errorf("%s: %v after %s", last, err, time.Since(begun))
		}
	}
}
