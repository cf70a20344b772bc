package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/chain"
)

// State is how far a step is.
type State string

// States of a step.
const (
	None     State = "none"     // never begun
	Intended State = "intended" // begun; whether it was done is not known
	Failed   State = "failed"   // the last attempt ended without effect
	Done     State = "done"     // done, with its result
)

// Step is what a journal knows of one step.
type Step struct {
	State   State
	Attempt int             // the last one; 0 before the first
	Intent  json.RawMessage // of every attempt; nil before the first
	Result  json.RawMessage // nil unless done
}

// lines is a checked sequence of entries.
type lines struct {
	entries []Entry
	tip     chain.Tip
	steps   map[string]Step
}

func newLines() *lines { return &lines{steps: map[string]Step{}} }

// read checks whole lines from the first on. An error names the line.
func read(data []byte) (*lines, error) {
	c := newLines()
	if len(data) > maxSize {
		return c, fmt.Errorf("the journal has %d bytes, more than the %d a journal may have", len(data), maxSize)
	}
	for line := range bytes.Lines(data) {
		n := len(c.entries) + 1
		e, err := parseLine(line)
		if err != nil {
			return c, fmt.Errorf("line %d: %w", n, err)
		}
		if err := c.admit(e); err != nil {
			return c, fmt.Errorf("line %d: %w", n, err)
		}
		c.add(e, line)
	}
	return c, nil
}

// admit says why an entry cannot be the next one.
func (c *lines) admit(e Entry) error {
	if err := c.tip.Follows(e.Seq, e.Prev); err != nil {
		return err
	}
	if e.Time.IsZero() || e.Time.Nanosecond() != 0 {
		return fmt.Errorf("time %s is not a whole second", e.Time)
	}
	if !kindForm.MatchString(e.Kind) {
		return fmt.Errorf("kind %q is not a lower-case word", e.Kind)
	}
	if e.Step != "" && (len(e.Step) > maxStep || !stepForm.MatchString(e.Step)) {
		return fmt.Errorf("step %q is not up to %d printable ASCII characters", e.Step, maxStep)
	}
	if (e.Kind == KindOpen) != (e.Seq == 1) {
		return errors.New("a journal has one line of kind open, the first")
	}
	if c.closed() {
		return errors.New("the journal is closed")
	}
	return c.admitStep(e)
}

// admitStep holds an entry against what is known of its step.
func (c *lines) admitStep(e Entry) error {
	s := c.last(e.Step)
	switch e.Kind {
	case KindIntent:
		switch {
		case e.Step == "":
			return errors.New("an intent names its step")
		case s.State == Done:
			return fmt.Errorf("step %s is done already", e.Step)
		case s.Intent != nil && !bytes.Equal(s.Intent, e.Data):
			return fmt.Errorf("step %s was begun with other data", e.Step)
		}
	case KindResult, KindFailed:
		if s.State != Intended {
			return fmt.Errorf("step %q has no open intent", e.Step)
		}
	case KindClose:
		if open := c.open(); len(open) > 0 {
			return fmt.Errorf("nothing says how these steps ended: %s", strings.Join(open, ", "))
		}
	}
	if want := c.attempt(e.Kind, e.Step); e.Attempt != want {
		return fmt.Errorf("attempt %d stands where %d belongs", e.Attempt, want)
	}
	return nil
}

// attempt is the number that an entry's attempt must have.
func (c *lines) attempt(kind, step string) int {
	switch kind {
	case KindIntent:
		return c.last(step).Attempt + 1
	case KindResult, KindFailed:
		return c.last(step).Attempt
	default:
		return 0
	}
}

// add takes an admitted entry.
func (c *lines) add(e Entry, line []byte) {
	c.entries = append(c.entries, e)
	c.tip.Add(line)
	s := c.last(e.Step)
	switch e.Kind {
	case KindIntent:
		s.State, s.Attempt, s.Intent = Intended, e.Attempt, e.Data
	case KindResult:
		s.State, s.Result = Done, e.Data
	case KindFailed:
		s.State = Failed
	default:
		return
	}
	c.steps[e.Step] = s
}

func (c *lines) last(step string) Step {
	if s, ok := c.steps[step]; ok {
		return s
	}
	return Step{State: None}
}

// open lists the steps that have an intent and no outcome.
func (c *lines) open() []string {
	var open []string
	for name, s := range c.steps {
		if s.State == Intended {
			open = append(open, name)
		}
	}
	slices.Sort(open)
	return open
}

func (c *lines) closed() bool {
	n := len(c.entries)
	return n > 0 && c.entries[n-1].Kind == KindClose
}
