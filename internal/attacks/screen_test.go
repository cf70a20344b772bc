//go:build linux && cgo

package attacks

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// screen is a command's controlling terminal, with a person who answers each
// prompt once.
type screen struct {
	w             *world
	master, slave *os.File
	typed         func(screen string) string
	mu            sync.Mutex
	shown         strings.Builder
	done          chan struct{}
}

func newScreen(w *world, typed func(string) string) *screen {
	w.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		w.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		w.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		w.Fatal(err)
	}
	if typed == nil {
		typed = yes
	}
	s := &screen{w: w, master: master, slave: slave, typed: typed, done: make(chan struct{})}
	go s.watch()
	return s
}

// attach makes it the command's controlling terminal and nothing else of it.
func (s *screen) attach(cmd *exec.Cmd) {
	cmd.ExtraFiles = []*os.File{s.slave}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
}

// watch answers whenever the text ends in a colon or an angle and a space.
func (s *screen) watch() {
	defer close(s.done)
	b := make([]byte, 4096)
	for {
		n, err := s.master.Read(b)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.shown.Write(b[:n])
		text := s.shown.String()
		s.mu.Unlock()
		if strings.HasSuffix(text, ": ") || strings.HasSuffix(text, "> ") {
			if _, err := s.master.WriteString(s.typed(text) + "\n"); err != nil {
				return
			}
		}
	}
}

// close returns everything that was shown.
func (s *screen) close() string {
	s.w.Helper()
	if err := s.slave.Close(); err != nil {
		s.w.Error(err)
	}
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		s.w.Error("the terminal stays in use")
	}
	if err := s.master.Close(); err != nil {
		s.w.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

var asked = regexp.MustCompile(`Type "?(.*?)"? to (?:go on|proceed|continue): $`)

// yes answers every question with its exact yes, and gives the rehearsal's PIN.
func yes(screen string) string {
	last := screen[strings.LastIndex(screen, "\n")+1:]
	if found := asked.FindStringSubmatch(last); found != nil {
		return found[1]
	}
	if strings.Contains(last, "PIN") {
		return rehearsal.PIN
	}
	return "no answer is known"
}
