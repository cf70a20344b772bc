package journal

import (
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/chain"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

const hintVerify = "take the journal from another copy of the record: this one is not the one that was written"

// Verify checks a finished journal as an auditor does, and returns its
// entries. A changed byte, a swapped or a dropped line breaks the chain; a tail
// that was cut leaves a last line that does not close the journal, or, where a
// forger wrote that line anew, a head other than the record's statement
// carries: hold HeadOf against it. Errors are fault.Verification and name the
// line.
func Verify(data []byte) ([]Entry, error) {
	entries, err := Read(data)
	if err != nil {
		return nil, err
	}
	if last := entries[len(entries)-1]; last.Kind != KindClose {
		return nil, refuse(fmt.Errorf("line %d: the journal ends with a line of kind %s and was never closed, or its tail was cut", last.Seq, last.Kind))
	}
	return entries, nil
}

// Read checks a journal that need not be finished, and returns its entries,
// at least one. It takes whole lines only.
func Read(data []byte) ([]Entry, error) {
	whole, rest := split(data)
	c, err := read(whole)
	switch {
	case err != nil:
		return nil, refuse(err)
	case len(rest) > 0:
		return nil, refuse(fmt.Errorf("line %d: the line has no end", len(c.entries)+1))
	case len(c.entries) == 0:
		return nil, refuse(errors.New("there is no line"))
	}
	if _, err := parseHead(c.entries[0]); err != nil {
		return nil, refuse(err)
	}
	return c.entries, nil
}

// Opening returns what the first of a journal's entries says.
func Opening(entries []Entry) (Head, error) {
	if len(entries) == 0 {
		return Head{}, refuse(errors.New("there is no line"))
	}
	head, err := parseHead(entries[0])
	if err != nil {
		return Head{}, refuse(err)
	}
	return head, nil
}

// HeadOf returns the hex SHA-256 of the last raw line of a journal with its
// newline, and 64 zeros for an empty one. It checks nothing.
func HeadOf(data []byte) string {
	if len(data) == 0 {
		return chain.First
	}
	before, _ := split(data[:len(data)-1])
	return digest.Hex(data[len(before):])
}

func refuse(err error) error {
	return fault.New(fault.Verification, hintVerify, fmt.Errorf("journal: %w", err))
}
