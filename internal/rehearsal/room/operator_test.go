package room

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// errGone is the end of a machine in the middle of something.
var errGone = errors.New("the machine is off")

// patience is how long a person waits for the next question. The processor is
// emulated, and may be shared.
const patience = 20 * time.Minute

var (
	useConsole = regexp.MustCompile(`Press Enter to use this console:`)
	clockRight = regexp.MustCompile(`or type the time in UTC like "[^"]*":`)
	menu       = regexp.MustCompile(`Type a number:`)
	back       = regexp.MustCompile(`Press Enter to go back to the menu:`)
	exitCode   = regexp.MustCompile(`The program ended with exit code ([0-9]+)`)
	askSerial  = regexp.MustCompile(`Serial number of the root token:`)
	askPIN     = regexp.MustCompile(`PIN of YubiKey [^\n]*: $`)
	askWord    = regexp.MustCompile(`Type word ([0-9]+) from the paper: $`)
	askText    = regexp.MustCompile(`Type "?([^"\n:]+?)"? to (?:go on|proceed|continue): $`)
	askRequest = regexp.MustCompile(`Which one\? $`)
	noStick    = regexp.MustCompile(`No stick is plugged in\. Plug it in and press Enter, or type "back":`)
	noRequest  = regexp.MustCompile(`There is no request on this stick`)
)

// reach boots to the menu: the time is typed where it is not left as it is.
func (g *guest) reach(typed string) error {
	if _, _, err := g.wait(patience, useConsole); err != nil {
		return err
	}
	if err := g.enter(""); err != nil {
		return err
	}
	if _, _, err := g.wait(patience, clockRight); err != nil {
		return err
	}
	if err := g.enter(typed); err != nil {
		return err
	}
	_, _, err := g.wait(patience, menu)
	return err
}

// ceremony chooses the menu's item for rehearsals and answers every question
// as the paper says. It returns the program's exit code, with the menu there
// again, or errGone.
func (g *guest) ceremony(words []string) (int, error) {
	g.past = nil
	if err := g.enter("2"); err != nil {
		return 0, err
	}
	code := 0
	for {
		which, groups, err := g.wait(patience, exitCode, back, askSerial, askPIN, askWord, askText, noRequest, menu, askRequest, noStick)
		if err != nil {
			return 0, err
		}
		answer := ""
		switch which {
		case 0:
			code, _ = strconv.Atoi(groups[1])
			continue
		case 1:
		case 2:
			answer = strconv.Itoa(rehearsal.Serial)
		case 3:
			answer = rehearsal.PIN
		case 4:
			n, _ := strconv.Atoi(groups[1])
			answer = words[n-1]
		case 5:
			answer = groups[1]
		case 6:
			return 0, errors.New("the menu finds no request")
		case 7:
			return code, nil
		case 8:
			answer = g.request
		case 9: // the kernel has not seen it yet
			time.Sleep(time.Second)
		}
		if err := g.enter(answer); err != nil {
			return 0, err
		}
	}
}

// failure is any exit code but success.
const failure = -1

// wants holds a ceremony that must end with an exit code, after showing a text.
func (g *guest) wants(what string, words []string, code int, text string) error {
	got, err := g.ceremony(words)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if code == failure && got == 0 || code != failure && got != code {
		return fmt.Errorf("%s: exit code %d, want %d", what, got, code)
	}
	if !bytes.Contains(g.past, []byte(text)) {
		return fmt.Errorf("%s: the console does not show %q", what, text)
	}
	say("%-64s exit code %d", what, got)
	return nil
}

// powerOff chooses the menu's item and waits for the end.
func (g *guest) powerOff() error {
	if err := g.enter("0"); err != nil {
		return err
	}
	return g.off(patience)
}
