package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/chain"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Create makes a new ledger with its first line. now becomes UTC in whole
// seconds. It fails with an error that is fs.ErrExist when anything is at path.
func Create(path string, created Created, now time.Time) error {
	lines, err := encodeAll(newState(), chain.First, now, []Entry{{Created: &created}})
	if err != nil {
		return fault.New(fault.Failure, "no ledger was made", fmt.Errorf("create ledger: %w", err))
	}
	if err := durable.Write(path, lines, 0o644); err != nil {
		return fmt.Errorf("create ledger: %w", err)
	}
	return nil
}

// Append adds entries to the ledger in one write: after a crash they are there
// together or not at all. It verifies the whole ledger first, under a lock, and
// cuts off what a crash left of an earlier write; State.Torn says how much.
//
// expectHead is the head of the ledger that the caller read and decided upon;
// when the ledger has grown since, nothing is added. Empty means any. now is
// the time of the lines and becomes UTC in whole seconds. Of each entry only
// the payload counts.
func Append(path, expectHead string, now time.Time, entries ...Entry) (state *State, err error) {
	log, err := durable.OpenExistingLog(path, lockWait)
	if err != nil {
		return nil, openFault(path, err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	data, err := log.Data()
	if err != nil {
		return nil, err
	}
	l, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if expectHead != "" && expectHead != l.state.Head {
		return nil, fault.New(fault.Verification, "run the command again: it then decides upon the ledger as it is now",
			fmt.Errorf("%s: the head is %s and not %s as expected; nothing was added", path, l.state.Head, expectHead))
	}
	lines, err := encodeAll(l.state, l.state.Head, now, entries)
	if err != nil {
		return nil, fault.New(fault.Code(fault.ExitCode(err)), "nothing was added to the ledger", fmt.Errorf("append to %s: %w", path, err))
	}
	if len(l.torn) > 0 {
		if err := log.Truncate(int64(l.size)); err != nil {
			return nil, err
		}
	}
	if err := log.Append(lines); err != nil {
		return nil, err
	}
	return l.state, nil
}

// encodeAll adds entries to the state and writes their lines.
func encodeAll(s *State, head string, now time.Time, entries []Entry) ([]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("there is nothing to add")
	}
	var lines bytes.Buffer
	for i := range entries {
		e := entries[i]
		e.Seq, e.Prev, e.Time = s.Entries+1, head, now.UTC().Truncate(time.Second)
		e.More = len(entries) - 1 - i
		var err error
		if e.Type, _, err = e.payload(); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if err := refuses(s, &e); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		if err := apply(s, &e); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		line, err := encode(&e)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		// what is written must read back, whatever a caller put in.
		if _, err := decode(line); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		head = digest.Hex(line)
		lines.Write(line)
	}
	s.Head = head
	return lines.Bytes(), nil
}
