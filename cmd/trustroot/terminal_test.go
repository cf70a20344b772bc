//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a person who waits for each question
// before answering it.
type terminal struct {
	master, slave *os.File

	mu    sync.Mutex
	shown []byte
	done  chan struct{}
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &terminal{master: master, slave: slave, done: make(chan struct{})}
	go p.watch()
	return p
}

// attach makes it the controlling terminal of a command, and nothing else of
// it.
func (p *terminal) attach(cmd *exec.Cmd) {
	cmd.ExtraFiles = []*os.File{p.slave}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
}

func (p *terminal) watch() {
	defer close(p.done)
	b := make([]byte, 4096)
	for {
		n, err := p.master.Read(b)
		p.mu.Lock()
		p.shown = append(p.shown, b[:n]...)
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *terminal) text() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.shown)
}

// await returns once the text is shown that many times.
func (p *terminal) await(t *testing.T, text string, count int) {
	t.Helper()
	for range 1000 {
		if strings.Count(string(p.text()), text) >= count {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the terminal never shows %q:\n%s", text, p.text())
}

func (p *terminal) typeLine(t *testing.T, line string) {
	t.Helper()
	if _, err := p.master.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}

// typeSecret waits until what is typed is not shown.
func (p *terminal) typeSecret(t *testing.T, line string) {
	t.Helper()
	for range 1000 {
		state, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if state.Lflag&unix.ECHO == 0 {
			p.typeLine(t, line)
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("the terminal shows what is typed:\n%s", p.text())
}

// close returns everything that was shown.
func (p *terminal) close(t *testing.T) []byte {
	t.Helper()
	if err := p.slave.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second): // somebody still holds the other end
		t.Error("the terminal stays in use")
	}
	if err := p.master.Close(); err != nil {
		t.Error(err)
	}
	return p.text()
}
