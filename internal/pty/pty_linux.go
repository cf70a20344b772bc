package pty

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Open returns both ends of a pseudo-terminal: what is written to slave, which
// is so many columns wide, can be read from master.
func Open(columns uint16) (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open a pseudo-terminal: %w", err), master.Close())
	}
	return master, slave, nil
}

// Run runs a command with a pseudo-terminal as its controlling terminal
// and types the line that answer gives to what it shows since the line before;
// ok is false where nothing is asked yet. What is shown goes to w.
func Run(cmd *exec.Cmd, answer Answer, w io.Writer) error {
	master, slave, err := Open(0) // no width: lines stay whole
	if err != nil {
		return err
	}
	defer master.Close() //nolint:errcheck // nothing is kept in it
	cmd.ExtraFiles = []*os.File{slave}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, slave.Close())
	}
	answered := make(chan error, 1)
	go func() {
		err := converse(master, answer, w)
		if err != nil {
			_ = cmd.Process.Kill() // it waits for an answer that never comes
		}
		answered <- err
	}()
	err = cmd.Wait()
	// not before: a program that runs itself again has the terminal closed for a
	// moment, and the master is hung up where nobody else holds it, as a shell does
	err = errors.Join(err, slave.Close())
	return errors.Join(err, <-answered)
}

// converse reads until the other end is closed.
func converse(master *os.File, answer Answer, w io.Writer) error {
	var shown strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := master.Read(buffer)
		shown.Write(buffer[:n])
		if err != nil {
			return flush(w, &shown) // Linux says EIO when the last holder is gone
		}
		text := strings.ReplaceAll(shown.String(), "\r", "")
		line, ok, err := answer(text)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := flush(w, &shown); err != nil {
			return err
		}
		if _, err := master.WriteString(line + "\n"); err != nil {
			return fmt.Errorf("type an answer: %w", err)
		}
	}
}

func flush(w io.Writer, shown *strings.Builder) error {
	text := strings.Trim(strings.ReplaceAll(shown.String(), "\r", ""), "\n")
	shown.Reset()
	if text == "" {
		return nil
	}
	_, err := io.WriteString(w, text+"\n")
	return err
}
