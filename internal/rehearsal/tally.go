package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// asked is what a token asked of the one who holds it.
type asked struct{ pins, touches, signatures int }

func (a asked) plus(b asked) asked {
	return asked{a.pins + b.pins, a.touches + b.touches, a.signatures + b.signatures}
}

func (a asked) minus(b asked) asked {
	return asked{a.pins - b.pins, a.touches - b.touches, a.signatures - b.signatures}
}

func (a asked) String() string {
	return fmt.Sprintf("PIN asked %s, %s for %s", times(a.pins), number(a.touches, "touch", "touches"), number(a.signatures, "signature", "signatures"))
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// meter counts at one token. It is the card's log, one line an exchange.
type meter struct {
	mu    sync.Mutex
	count asked
}

// Write takes a line of the card's log: its number, CLA INS P1 P2, the length,
// the status word, the duration. A signature is a GENERAL AUTHENTICATE (87)
// with an elliptic-curve key that succeeded (SP 800-73-4 part 2, 3.2.4). The PIN
// is asked after a VERIFY (20) without one, which tells the tries left (3.2.1).
func (m *meter) Write(line []byte) (int, error) {
	fields := bytes.Split(bytes.TrimSpace(line), []byte("\t"))
	if len(fields) < 4 {
		return len(line), nil // a note about the card itself
	}
	header, length, status := strings.ToUpper(strings.ReplaceAll(string(fields[1]), " ", "")), string(fields[2]), string(fields[3])
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(header) != 8:
	case header[2:4] == "87" && slices.Contains([]string{"11", "14"}, header[4:6]) && status == "sw=9000":
		m.count.signatures++
	case header[2:] == "200080" && length == "lc=0":
		m.count.pins++
	}
	return len(line), nil
}

func (m *meter) touch(waiting bool) {
	if waiting {
		m.mu.Lock()
		m.count.touches++
		m.mu.Unlock()
	}
}

// tally counts what each day asks of the people at the tokens.
type tally struct {
	meters map[uint32]*meter // by serial number
	day    string            // under way
	days   []string
	lines  []line
}

// line is what one command asked for at one token.
type line struct {
	day, command string
	serial       uint32
	asked
}

// meter is that of one token.
func (t *tally) meter(serial uint32) *meter {
	if t.meters == nil {
		t.meters = map[uint32]*meter{}
	}
	if t.meters[serial] == nil {
		t.meters[serial] = &meter{}
	}
	return t.meters[serial]
}

// begin begins another day: every token was put away, and is opened again.
func (t *tally) begin(day string) {
	t.day, t.days = day, append(t.days, day)
}

func (t *tally) now() map[uint32]asked {
	all := map[uint32]asked{}
	for serial, m := range t.meters {
		m.mu.Lock()
		all[serial] = m.count
		m.mu.Unlock()
	}
	return all
}

// command counts what happens until the returned function is called.
func (t *tally) command(args []string) func() {
	before := t.now()
	return func() {
		after := t.now()
		for _, serial := range slices.Sorted(maps.Keys(after)) {
			if a := after[serial].minus(before[serial]); a != (asked{}) {
				t.lines = append(t.lines, line{t.day, name(args), serial, a})
			}
		}
	}
}

// name is the command without its arguments: "ceremony run".
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

// sums adds up the lines of a day by token.
func (t *tally) sums(day string) map[uint32]asked {
	all := map[uint32]asked{}
	for _, l := range t.lines {
		if l.day == day {
			all[l.serial] = all[l.serial].plus(l.asked)
		}
	}
	return all
}

// count says what each day asked for, command by command and token by token,
// and fails where a token asked for its PIN more than once in a day or for
// another number of touches than signatures.
func count(_ context.Context, r *Rehearsal) error {
	var errs []error
	for _, day := range r.tally.days {
		r.say("      %s", day)
		for _, l := range r.tally.lines {
			if l.day == day {
				r.say("        %-14s  YubiKey %d  %s", l.command, l.serial, l.asked)
			}
		}
		sums := r.tally.sums(day)
		for _, serial := range slices.Sorted(maps.Keys(sums)) {
			a := sums[serial]
			r.say("        in all          YubiKey %d  %s", serial, a)
			if a.pins > 1 || a.touches != a.signatures {
				errs = append(errs, fmt.Errorf("%s: YubiKey %d: %s, where a day asks for the PIN once and for one touch a signature", day, serial, a))
			}
		}
		if len(sums) == 0 && r.Hold == nil { // another machine asks, and nobody counts there
			errs = append(errs, errors.New(day+": no signature was counted"))
		}
	}
	for _, l := range r.tally.lines {
		if l.day == "" {
			errs = append(errs, fmt.Errorf("%s asked YubiKey %d before any day began: %s", l.command, l.serial, l.asked))
		}
	}
	return errors.Join(errs...)
}

// Touches are those that the tokens have asked for so far, and the signatures
// that they made.
func (r *Rehearsal) Touches() (touches, signatures int) {
	for _, m := range r.tally.meters {
		m.mu.Lock()
		touches, signatures = touches+m.count.touches, signatures+m.count.signatures
		m.mu.Unlock()
	}
	return touches, signatures
}
