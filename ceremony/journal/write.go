package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// ErrClosed says that the journal was closed with Close or finished.
var ErrClosed = errors.New("the journal is closed")

// Intent says that a step is about to be done; data is anything that encodes
// as a JSON object, or nil. Where an earlier attempt left no result, this is
// the next attempt, and data must be the same as then. A step that is done is
// refused.
func (j *Journal) Intent(step string, data any) error {
	return j.write(KindIntent, step, data)
}

// Result says that a step was done, with what came of it. The step must have
// an open intent.
func (j *Journal) Result(step string, data any) error {
	return j.write(KindResult, step, data)
}

// Note writes any other line. KindFailed ends the open attempt of step: say it
// only where the step is known to have had no effect, because Last will not
// call it Intended any more. The kinds that have a method of their own are
// refused. step may be empty for all other kinds.
func (j *Journal) Note(kind, step string, data any) error {
	switch kind {
	case KindOpen, KindIntent, KindResult, KindTorn, KindClose:
		return fmt.Errorf("journal: a line of kind %s is not a note", kind)
	}
	return j.write(kind, step, data)
}

// Finish writes the last line. It refuses while a step has an intent and no
// outcome. The file stays open, and locked, until Close.
func (j *Journal) Finish(data any) error {
	return j.write(KindClose, "", data)
}

// Last returns what the journal knows of a step.
func (j *Journal) Last(step string) Step {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.chain.last(step)
	s.Intent, s.Result = slices.Clone(s.Intent), slices.Clone(s.Result)
	return s
}

// Opening returns what the first line says.
func (j *Journal) Opening() Head { return j.head }

// Finished says whether the last line is one of kind close.
func (j *Journal) Finished() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.chain.closed()
}

// write appends one line and flushes it. Where that does not succeed, nothing
// in memory changes and nothing more is written: what is on the disk counts,
// and only opening the journal again tells.
func (j *Journal) write(kind, step string, data any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log == nil || j.chain.closed() {
		return fmt.Errorf("journal: write %s %s: %w", kind, step, ErrClosed)
	}
	if j.broken != nil {
		return fault.New(fault.Failure, hintSpace, fmt.Errorf("journal: an earlier line could not be written: %w", j.broken))
	}
	raw, err := canonical(data)
	if err != nil {
		return fmt.Errorf("journal: write %s %s: %w", kind, step, err)
	}
	return j.append(kind, step, raw)
}

// append does the work of write. The caller holds the lock.
func (j *Journal) append(kind, step string, data json.RawMessage) error {
	c := j.chain
	e := Entry{Seq: len(c.entries) + 1, Prev: c.tip.Head(), Time: j.stamp(), Kind: kind, Step: step, Attempt: c.attempt(kind, step), Data: data}
	if err := c.admit(e); err != nil {
		return fmt.Errorf("journal: write %s: %w", kind, err)
	}
	line, err := e.encode()
	if err != nil {
		return fmt.Errorf("journal: write %s %s: %w", kind, step, err)
	}
	point := fmt.Sprintf("entry %d %s", e.Seq, kind)
	if step != "" {
		point += " " + step
	}
	if err := j.around(point, func() error { return j.log.Append(line) }); err != nil {
		j.broken = err
		return fault.New(fault.Failure, hintSpace, fmt.Errorf("journal: %s could not be written: %w; %s", point, err, hintSpace))
	}
	c.add(e, line)
	return nil
}
