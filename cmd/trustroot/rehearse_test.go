package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// program is the command line as a program of its own: the test binary under
// the name by which TestMain knows it.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trustroot")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// children are the processes below pid, their children included.
func children(t *testing.T, pid int) []int {
	t.Helper()
	var found []int
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread ended
		}
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			found = append(append(found, child), children(t, child)...)
		}
	}
	return found
}

// gone waits until none of the processes is left.
func gone(t *testing.T, pids []int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for syscall.Kill(pid, 0) == nil {
			if time.Now().After(deadline) {
				t.Fatalf("process %d is left running", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// interrupted runs a command line, presses Ctrl-C once it shows the title, and
// sees that nothing is left running. It returns what came after.
func interrupted(t *testing.T, title string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(progress)
	for lines.Scan() && !strings.Contains(lines.Text(), title) {
	}
	below := children(t, cmd.Process.Pid)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(progress)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
		t.Fatalf("%v, want exit code 3:\n%s", err, rest)
	}
	if len(below) == 0 {
		t.Fatal("there was no PC/SC daemon to stop")
	}
	gone(t, below)
	return string(rest)
}

func TestRehearse_InterruptLeavesNothing(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	for _, title := range []string{"[3/", "[5/", "[8/", "[11/"} {
		t.Run(title, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "r")
			interrupted(t, title, "rehearse", "--out", out)
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("%s is left: %v", out, err)
			}
		})
	}
}

// everything is a folder's files by name, contents and mode.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		all[path] = info.Mode().String() + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRehearse_InterruptedRenewalPutsBack(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	out := filepath.Join(t.TempDir(), "r")
	rehearse := func(args ...string) {
		t.Helper()
		if text, err := exec.Command(program(t), append(append([]string{"rehearse"}, args...), "--out", out)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	rehearse()
	for _, cut := range [][]string{
		{"--write", "renew"},
		{"$ trustroot tuf publish", "renew"},
		nil, // the renewal itself, once
		{"$ trustroot tuf sign", "cutover"},
	} {
		if cut == nil {
			rehearse("renew")
			continue
		}
		before := everything(t, out)
		rest := interrupted(t, cut[0], "rehearse", cut[1], "--out", out)
		if !strings.Contains(rest, "is as it was before") {
			t.Errorf("%s at %s says:\n%s", cut[1], cut[0], rest)
		}
		after := everything(t, out)
		if !maps.Equal(before, after) {
			t.Errorf("%s at %s: %d files before, %d after, and they differ", cut[1], cut[0], len(before), len(after))
		}
		if _, err := os.Stat(out + ".before"); !os.IsNotExist(err) {
			t.Errorf("%s at %s leaves its copy: %v", cut[1], cut[0], err)
		}
	}
	rehearse("cutover")
}

// TestRehearse_KilledRenewalSaysHowToGoOn kills it in the middle: the next one
// names the copy, and putting that in its place is enough.
func TestRehearse_KilledRenewalSaysHowToGoOn(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	out := filepath.Join(t.TempDir(), "r")
	if text, err := exec.Command(program(t), "rehearse", "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	before := everything(t, out)
	cmd := exec.Command(program(t), "rehearse", "renew", "--out", out)
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(progress)
	for lines.Scan() && !strings.Contains(lines.Text(), "$ trustroot ceremony run") {
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("it was not killed")
	}
	text, err := exec.Command(program(t), "rehearse", "renew", "--out", out).CombinedOutput()
	if err == nil || !strings.Contains(string(text), "put it back with `rm -r "+out+" && mv "+out+".before "+out+"`") {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := errors.Join(os.RemoveAll(out), os.Rename(out+".before", out)); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(before, everything(t, out)) {
		t.Error("the copy is another than what was there")
	}
	if text, err := exec.Command(program(t), "rehearse", "renew", "--out", out).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestRehearse_HoldServesOtherPrograms(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	cmd := exec.Command(program(t), "rehearse", "--hold", "--out", filepath.Join(t.TempDir(), "r"))
	enter, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var progress bytes.Buffer
	cmd.Stderr = &progress
	data, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var variables []string
	lines := bufio.NewScanner(data)
	for lines.Scan() {
		if variable, ok := strings.CutPrefix(lines.Text(), "export "); ok {
			variables = append(variables, variable)
			if strings.HasPrefix(variable, "AWS_ENDPOINT_URL_STS") || len(variables) == 3 {
				break
			}
		}
	}
	if !slices.ContainsFunc(variables, func(v string) bool { return strings.HasPrefix(v, "AWS_ENDPOINT_URL_KMS=http://127.0.0.1:") }) {
		t.Fatalf("the KMS's URL is not among %q\n%s", variables, progress.String())
	}
	status := exec.Command("yubico-piv-tool", "--action", "status")
	status.Env = append(os.Environ(), variables...)
	text, err := status.CombinedOutput()
	if err != nil {
		t.Fatalf("yubico-piv-tool: %v\n%s", err, text)
	}
	for _, want := range []string{"Slot 9c", "ECCP384", "CN=Example Root CA"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("yubico-piv-tool does not show %q:\n%s", want, text)
		}
	}
	below := children(t, cmd.Process.Pid)
	if _, err := io.WriteString(enter, "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, data); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	gone(t, below)
}

// TestRehearse_WithoutDriver hides the reader's driver in a mount namespace of
// its own.
func TestRehearse_WithoutDriver(t *testing.T) {
	needs.That(t, virtual.Missing())
	out := filepath.Join(t.TempDir(), "r")
	unshare := []string{"--mount"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--map-root-user")
	}
	script := "mount -t tmpfs none /usr/lib/pcsc/drivers/serial && exec " + program(t) + " rehearse --out " + out
	cmd := exec.Command("unshare", append(unshare, "sh", "-c", script)...)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 4 {
		t.Fatalf("%v, want exit code 4:\n%s", err, text)
	}
	if n := strings.Count(string(text), "error:"); n != 1 {
		t.Errorf("%d errors, want one:\n%s", n, text)
	}
	if !strings.Contains(string(text), "apt-get install --no-install-recommends vsmartcard-vpcd") {
		t.Errorf("the command that installs it is not named:\n%s", text)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", out, err)
	}
}
