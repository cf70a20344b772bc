package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

const lockWait = 10 * time.Second

const damaged = "restore the ledger from git or from the last request or record that holds it; it is never edited by hand"

// Ledger is a ledger that was read and verified.
type Ledger struct {
	entries []Entry
	lines   map[string]int // head → lines up to it
	size    int            // bytes that count
	torn    []byte
	state   *State
}

// State returns what the lines add up to. The caller must not change it.
func (l *Ledger) State() *State { return l.state }

// Entries returns the lines, in order. The caller must not change what they
// point to.
func (l *Ledger) Entries() []Entry { return slices.Clone(l.entries) }

// Torn returns what a crash left of the last write, or nothing. It does not
// count, and the next append cuts it off.
func (l *Ledger) Torn() []byte { return l.torn }

// CheckHead fails when head is not the hash of one of the lines: then the
// ledger was cut or rewritten after somebody noted that head. It says nothing
// about the lines that follow.
func (l *Ledger) CheckHead(head string) error {
	if _, known := l.lines[head]; known {
		return nil
	}
	return fault.New(fault.Verification, damaged,
		fmt.Errorf("no line of the ledger has the hash %q: the ledger was cut or rewritten, or it is another one", head))
}

// Read reads and verifies the ledger at path. It waits for a running append.
func Read(path string) (*Ledger, error) {
	data, err := durable.ReadLog(path, lockWait)
	if err != nil {
		return nil, openFault(path, err)
	}
	l, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// Parse verifies a ledger that was read from elsewhere: a request, a record, a
// published target.
func Parse(data []byte) (*Ledger, error) {
	l, err := parse(data)
	if err != nil {
		return nil, fault.New(fault.Verification, damaged, err)
	}
	return l, nil
}

func parse(data []byte) (*Ledger, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%d bytes are more than a ledger may have (%d)", len(data), maxBytes)
	}
	c := &lines{}
	for len(data) > c.read {
		if err := c.next(data[c.read:]); err != nil {
			return nil, fmt.Errorf("ledger line %d: %w", len(c.entries)+1, err)
		}
	}
	if c.whole == 0 {
		return nil, errors.New("the ledger is empty")
	}
	l := &Ledger{
		entries: c.entries[:c.whole],
		lines:   map[string]int{},
		size:    c.size,
		torn:    data[c.size:],
		state:   newState(),
	}
	for i := range l.entries {
		if err := apply(l.state, &l.entries[i]); err != nil {
			return nil, fmt.Errorf("ledger line %d: %w", i+1, err)
		}
		l.lines[c.heads[i]] = i + 1
	}
	l.state.Head, l.state.Entries = c.heads[c.whole-1], c.whole
	l.state.Torn = len(l.torn)
	return l, nil
}

func openFault(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Usage, "run this in a trust directory, or name one with --dir; trustroot init makes one",
			fmt.Errorf("there is no ledger at %s: %w", path, fs.ErrNotExist))
	}
	if errors.Is(err, durable.ErrLocked) {
		return fault.New(fault.Failure, "wait for the other trustroot to end and try again",
			fmt.Errorf("ledger %s: %w", path, err))
	}
	return err
}
