//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/linnemanlabs/trustroot/internal/pty"
)

// typist is a person at a terminal of their own for scripts:
//
//	typist WORDS COMMAND...
//
// runs a command, types the words of a paper at the positions that it asks for,
// and the exact yes to every other question. Standard output is the screen.
// A line of the paper with a tab is no words but an answer: what the question
// matches, and what is typed. With SLIP in the environment, each yes comes after
// a slip.
func typist() {
	code, err := runTypist(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "typist:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

func runTypist(paper string, command []string) (code int, err error) {
	text, err := os.ReadFile(paper)
	if err != nil {
		return 0, err
	}
	p, err := pty.ReadPaper(string(text))
	if err != nil {
		return 0, err
	}
	p.Slip = os.Getenv("SLIP") != ""
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = pty.Run(cmd, p.Answer, os.Stdout)
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), nil
	}
	return 0, err
}
