//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/pty"
)

// typist is a person at a terminal of their own for scripts:
//
//	typist PAPER COMMAND...
//
// runs a command, types the words of a paper at the positions that it asks for,
// and the exact yes to every other question. Standard output is the screen.
// A line of the paper with a tab is no words but an answer: what the question
// matches, what is typed and, behind another tab, a slip. With SLIP in the
// environment the slip is typed first, once at each question, and something that
// is not it before each yes and the first word. With SEEN, that file takes what
// was asked.
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
	p, err := newPerson(string(text), os.Getenv("SLIP") != "")
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = pty.Run(cmd, p.answer, os.Stdout)
	if file := os.Getenv("SEEN"); file != "" {
		err = errors.Join(err, p.note(file))
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), nil
	}
	return 0, err
}

// person answers from a paper, after a slip at each question where slips are
// wanted.
type person struct {
	right, wrong pty.Paper
	slips        bool
	done         map[string]bool // questions at which the slip was made
	asked        []asked
}

// asked is one question and what was typed.
type asked struct {
	Shown string
	Slip  bool
}

var (
	triesLeft = regexp.MustCompile(` \(\d+ tr(?:y|ies) left\)`)
	yesAsked  = regexp.MustCompile(`Type "?([^"\n]*?)"? to continue: $`)
	wordAsked = regexp.MustCompile(`Type word \d+ from the paper: $`)
)

func newPerson(text string, slips bool) (*person, error) {
	var right, wrong strings.Builder
	for line := range strings.Lines(text) {
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(row) == 3 {
			fmt.Fprintf(&wrong, "%s\t%s\n", row[0], row[2])
		} else if len(row) == 2 { // the first row that matches has no slip
			fmt.Fprintf(&wrong, "%s\t%s\n", row[0], noSlip)
		}
		right.WriteString(strings.Join(row[:min(len(row), 2)], "\t") + "\n")
	}
	p := &person{slips: slips, done: map[string]bool{}}
	var errs [2]error
	p.right, errs[0] = pty.ReadPaper(right.String())
	p.wrong, errs[1] = pty.ReadPaper(wrong.String())
	return p, errors.Join(errs[:]...)
}

const noSlip = "no slip"

func (p *person) answer(shown string) (line string, ok bool, err error) {
	if line, ok, err = p.right.Answer(shown); !ok || err != nil {
		return line, ok, err
	}
	slip, question := p.slip(shown)
	made := p.slips && slip != noSlip && !p.done[question]
	if made {
		p.done[question], line = true, slip
	}
	p.asked = append(p.asked, asked{shown, made})
	return line, true, nil
}

// slip is what is typed instead, and what tells the question from others.
func (p *person) slip(shown string) (line, question string) {
	if wordAsked.MatchString(shown) {
		return "oops", "word"
	}
	question = questionLine(shown)
	line, ok, _ := p.wrong.Answer(shown) // the right paper had an answer
	if yes := yesAsked.FindStringSubmatch(shown); yes != nil && line == yes[1] {
		return "oops", shown
	}
	if !ok || strings.HasSuffix(shown, "or no to stop: ") {
		return noSlip, question
	}
	return line, question
}

// questionLine is the line that tells a question from others: its prompt, without
// the tries that are left, or what stands above one that asks for text.
func questionLine(shown string) string {
	lines := strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
	last := lines[len(lines)-1]
	if strings.HasSuffix(last, "> ") && len(lines) > 1 {
		last = lines[len(lines)-2]
	}
	return strings.NewReplacer(", or no to stop", "", "That is not what is asked for. ", "").Replace(triesLeft.ReplaceAllString(last, ""))
}

// note appends what was asked to a file, a line each.
func (p *person) note(file string) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, a := range p.asked {
		if err := json.NewEncoder(f).Encode(a); err != nil {
			return err
		}
	}
	return nil
}
