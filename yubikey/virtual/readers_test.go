package virtual_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// refused waits until nobody listens on the socket any more.
func refused(t *testing.T, socket string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		conn, err := net.Dial("unix", socket)
		if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
			return
		}
		if err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("somebody still listens on %s", socket)
}

func isEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s", filepath.Join(dir, e.Name()))
	}
}

func start(t *testing.T, ctx context.Context, dir string) *virtual.Readers {
	t.Helper()
	needs.That(t, virtual.Missing())
	readers, err := virtual.Start(ctx, dir, newCard(t, virtual.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = readers.Close() })
	return readers
}

func TestReaders_CloseLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	readers := start(t, t.Context(), filepath.Join(parent, "new"))
	socket := readers.Socket()
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v: %v", info, err)
	}
	for range 2 {
		if err := readers.Close(); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, socket)
	isEmpty(t, parent)
	if err := readers.Insert(newCard(t, virtual.Options{})); err == nil {
		t.Error("a card was inserted after Close")
	}
	if err := readers.Restart(t.Context()); err == nil {
		t.Error("restarted after Close")
	}
}

func TestReaders_CloseKeepsWhatOthersPut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	readers := start(t, t.Context(), dir)
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := readers.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

func TestReaders_EndWithTheContext(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	readers := start(t, ctx, dir)
	cancel()
	refused(t, readers.Socket())
	if err := readers.Close(); err != nil {
		t.Error(err)
	}
	isEmpty(t, dir)
	if _, err := virtual.Start(ctx, dir, newCard(t, virtual.Options{})); !errors.Is(err, context.Canceled) {
		t.Errorf("Start after the end: %v", err)
	}
	isEmpty(t, dir)
}

func TestReaders_NoDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	readers := start(t, t.Context(), "")
	if filepath.Dir(filepath.Dir(readers.Socket())) != temporary {
		t.Errorf("socket %s", readers.Socket())
	}
	isEmpty(t, ".")
	if err := readers.Close(); err != nil {
		t.Fatal(err)
	}
	isEmpty(t, temporary)
}

func TestReaders_PathsThatPCSCDCannotTake(t *testing.T) {
	for _, name := range []string{strings.Repeat("long", 30), "with space"} {
		dir := filepath.Join(t.TempDir(), name)
		readers := start(t, t.Context(), dir)
		if len(readers.Socket()) > 107 || strings.Contains(readers.Socket(), " ") {
			t.Errorf("socket %s", readers.Socket())
		}
		if err := readers.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Dir(readers.Socket())); err == nil {
			t.Errorf("%s is still there", filepath.Dir(readers.Socket()))
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is still there", dir)
		}
	}
}

func TestReaders_RefusesCards(t *testing.T) {
	card := newCard(t, virtual.Options{Serial: 1})
	many := make([]*virtual.Card, 17)
	for i := range many {
		many[i] = card
	}
	for name, cards := range map[string][]*virtual.Card{
		"none": nil, "twice the same": {card, card}, "seventeen": many,
		"two of one serial number": {card, newCard(t, virtual.Options{Serial: 1})},
	} {
		dir := t.TempDir()
		if _, err := virtual.Start(t.Context(), dir, cards...); err == nil {
			t.Errorf("%s: accepted", name)
		}
		isEmpty(t, dir)
	}
}

func TestReaders_OwnProcessGroup(t *testing.T) {
	readers := start(t, t.Context(), t.TempDir())
	for _, pid := range daemons(t, readers.Socket()) {
		group, err := syscall.Getpgid(pid)
		if err != nil || group == syscall.Getpgrp() {
			t.Errorf("pcscd %d is in our process group: %v", pid, err)
		}
	}
}

// daemons returns the processes whose command line names the socket's
// directory; there must be one at least.
func daemons(t *testing.T, socket string) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(line), filepath.Dir(socket)) {
			continue // it has ended, or is another's
		}
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, pid)
	}
	if len(found) == 0 {
		t.Fatal("no process serves " + socket)
	}
	return found
}

// A process that is killed has no time to end its daemon.
func TestReaders_DieWithTheProcess(t *testing.T) {
	needs.That(t, virtual.Missing())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childTask+"="+t.TempDir())
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	socket, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	socket = strings.TrimSpace(socket)
	daemons(t, socket)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	refused(t, socket)
}

// A daemon that takes connections and never answers is replaced by another.
func TestReaders_StartAgainBesideADeafDaemon(t *testing.T) {
	needs.Time(t)
	needs.That(t, virtual.Missing())
	real, err := exec.LookPath("pcscd")
	if err != nil {
		real = "/usr/sbin/pcscd"
	}
	dir := t.TempDir()
	script := "#!/bin/sh\nif mkdir " + dir + "/deaf 2>/dev/null; then exec sleep 60; fi\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "pcscd"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	readers := start(t, t.Context(), "")
	if _, err := os.Stat(filepath.Join(dir, "deaf")); err != nil {
		t.Errorf("the deaf daemon did not run: %v", err)
	}
	if err := readers.Restart(t.Context()); err != nil {
		t.Error(err)
	}
}
