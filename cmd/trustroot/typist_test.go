//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// typist is a person at a terminal of their own for scripts:
//
//	typist WORDS COMMAND...
//
// runs a command, types the words of a paper at the positions that it asks for,
// and the exact yes to every other question. Standard output is the screen.
func typist() {
	code, err := runTypist(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "typist:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

var (
	wordAsked = regexp.MustCompile(`Type word (\d+) from the paper: $`)
	yesAsked  = regexp.MustCompile(`Type "?([^"\n]*?)"? to (?:go on|proceed|continue): $`)
)

func runTypist(paper string, command []string) (code int, err error) {
	text, err := os.ReadFile(paper)
	if err != nil {
		return 0, err
	}
	words := strings.Fields(string(text))
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		return 0, err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdout, os.Stderr, []*os.File{slave}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := errors.Join(cmd.Start(), slave.Close()); err != nil {
		return 0, err
	}
	var screen strings.Builder
	for b := make([]byte, 4096); ; {
		n, err := master.Read(b)
		if err != nil {
			break // the command has ended
		}
		screen.Write(b[:n])
		answer := ""
		if m := wordAsked.FindStringSubmatch(screen.String()); m != nil {
			at, err := strconv.Atoi(m[1])
			if err != nil || at > len(words) {
				return 0, fmt.Errorf("no word %s on the paper", m[1])
			}
			answer = words[at-1]
		} else if m := yesAsked.FindStringSubmatch(screen.String()); m != nil {
			answer = m[1]
		}
		if answer != "" {
			if _, err := master.WriteString(answer + "\n"); err != nil {
				return 0, err
			}
		}
	}
	fmt.Print(strings.ReplaceAll(screen.String(), "\r\n", "\n"))
	err = cmd.Wait()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), nil
	}
	return 0, err
}
