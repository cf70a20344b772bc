package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// pinPrompt begins every prompt for a PIN that is in use.
const pinPrompt = "PIN of "

// prompts counts them; Secret has no rehearsal to keep it in.
var prompts atomic.Int64

// tally counts what the day asks of the people at the token. It is the card's
// log, one line an exchange.
type tally struct {
	mu         sync.Mutex
	touches    int
	signatures int
	commands   []commandTally
}

// commandTally is what one command asked for.
type commandTally struct {
	name                      string
	pins, touches, signatures int
}

// Write takes a line of the card's log: its number, CLA INS P1 P2, the length,
// the status word, the duration. A signature is a GENERAL AUTHENTICATE (87)
// with an elliptic-curve key that succeeded (SP 800-73-4 part 2, 3.2.4).
func (t *tally) Write(line []byte) (int, error) {
	fields := bytes.Split(bytes.TrimSpace(line), []byte("\t"))
	if len(fields) < 4 {
		return len(line), nil // a note about the card itself
	}
	header, status := strings.ToUpper(strings.ReplaceAll(string(fields[1]), " ", "")), string(fields[3])
	if len(header) == 8 && header[2:4] == "87" && slices.Contains([]string{"11", "14"}, header[4:6]) && status == "sw=9000" {
		t.mu.Lock()
		t.signatures++
		t.mu.Unlock()
	}
	return len(line), nil
}

func (t *tally) touch(waiting bool) {
	if waiting {
		t.mu.Lock()
		t.touches++
		t.mu.Unlock()
	}
}

// command counts what happens until the returned function is called.
func (t *tally) command(args []string) func() {
	before := t.now("")
	return func() {
		after := t.now(name(args))
		after.pins -= before.pins
		after.touches -= before.touches
		after.signatures -= before.signatures
		t.mu.Lock()
		t.commands = append(t.commands, after)
		t.mu.Unlock()
	}
}

func (t *tally) now(name string) commandTally {
	t.mu.Lock()
	defer t.mu.Unlock()
	return commandTally{name, int(prompts.Load()), t.touches, t.signatures}
}

// name is the command without its arguments: "ceremony root".
func name(args []string) string {
	var words []string
	for _, a := range args {
		if strings.HasPrefix(a, "--") {
			continue
		}
		if len(words) == 2 {
			break
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// count says what the day asked for, and fails where a command asked for a PIN
// more than once or for another number of touches than signatures.
func (r *Rehearsal) count(context.Context) error {
	var errs []error
	var all commandTally
	for _, c := range r.tally.commands {
		if c.pins+c.touches+c.signatures == 0 {
			continue
		}
		r.say("      %-16s  PIN asked %d times, %d touches, %d signatures", c.name, c.pins, c.touches, c.signatures)
		if c.pins > 1 || c.touches != c.signatures {
			errs = append(errs, fmt.Errorf("%s asked for the PIN %d times and for %d touches for %d signatures", c.name, c.pins, c.touches, c.signatures))
		}
		all.pins, all.touches, all.signatures = all.pins+c.pins, all.touches+c.touches, all.signatures+c.signatures
	}
	r.say("      in all            PIN asked %d times, once each time a token was opened for signing; %d touches for %d signatures", all.pins, all.touches, all.signatures)
	if all.signatures == 0 {
		errs = append(errs, errors.New("no signature was counted"))
	}
	return errors.Join(errs...)
}
