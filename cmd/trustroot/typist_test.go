//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// typist is a person at a terminal of their own for scripts:
//
//	typist WORDS COMMAND...
//
// runs a command, types the words of a paper at the positions that it asks for,
// and the exact yes to every other question. Standard output is the screen.
// A line of the paper with a tab is no words but an answer: what the question
// matches, what is typed, and "hidden" where it must not be seen. With SLIP in
// the environment, each yes comes after a slip.
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
	yesAsked  = regexp.MustCompile(`Type "?([^"\n]*?)"? to continue(?:, or no to stop)?: $`)
)

func runTypist(paper string, command []string) (code int, err error) {
	text, err := os.ReadFile(paper)
	if err != nil {
		return 0, err
	}
	words, answers, err := readPaper(string(text))
	if err != nil {
		return 0, err
	}
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
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { // the terminal outlives programs that run themselves again
		err := cmd.Wait()
		ended <- errors.Join(err, slave.Close())
	}()
	var screen strings.Builder
	for b, since := make([]byte, 4096), 0; ; {
		n, err := master.Read(b)
		if err != nil {
			break // the command has ended
		}
		screen.Write(b[:n])
		a, known, err := answerTo(screen.String()[since:], words, answers)
		if err != nil {
			return 0, err
		}
		if !known {
			continue
		}
		slip := os.Getenv("SLIP") != "" && yesAsked.MatchString(screen.String()[since:]) && !strings.Contains(screen.String()[since:], "or no to stop: ")
		since = screen.Len()
		if slip {
			a = reply{text: "oops"}
		}
		if err := a.typed(master); err != nil {
			return 0, err
		}
	}
	fmt.Print(strings.ReplaceAll(screen.String(), "\r\n", "\n"))
	err = <-ended
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), nil
	}
	return 0, err
}

// reply is what is typed where a question matches.
type reply struct {
	to     *regexp.Regexp
	text   string
	hidden bool
}

// readPaper splits a paper into its words and its answers.
func readPaper(text string) (words []string, answers []reply, err error) {
	for line := range strings.Lines(text) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(parts) == 1 {
			words = append(words, strings.Fields(line)...)
			continue
		}
		to, err := regexp.Compile(parts[0])
		if err != nil {
			return nil, nil, err
		}
		answers = append(answers, reply{to, parts[1], slices.Contains(parts[2:], "hidden")})
	}
	return words, answers, nil
}

// answerTo finds what is typed at the end of what is shown.
func answerTo(shown string, words []string, answers []reply) (a reply, known bool, err error) {
	if m := wordAsked.FindStringSubmatch(shown); m != nil {
		at, err := strconv.Atoi(m[1])
		if err != nil || at > len(words) {
			return reply{}, false, fmt.Errorf("no word %s on the paper", m[1])
		}
		return reply{text: words[at-1]}, true, nil
	}
	if strings.HasSuffix(shown, ": ") || strings.HasSuffix(shown, "> ") {
		for _, a = range answers {
			if a.to.MatchString(shown) {
				return a, true, nil
			}
		}
	}
	if m := yesAsked.FindStringSubmatch(shown); m != nil {
		return reply{text: m[1]}, true, nil
	}
	return reply{}, false, nil
}

// typed types an answer. What must not be seen waits until the terminal shows
// nothing of it.
func (a reply) typed(master *os.File) error {
	for a.hidden {
		state, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
		if err != nil {
			return err
		}
		if state.Lflag&unix.ECHO == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	_, err := master.WriteString(a.text + "\n")
	return err
}
