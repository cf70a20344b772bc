package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// chain reads the lines of a ledger one by one and checks their form, their
// sums, and that each follows the one before. What they say is not its matter.
type chain struct {
	entries []Entry
	heads   []string // hash of each line
	head    string   // hash of the last line
	read    int      // bytes read
	whole   int      // lines in writes that are complete
	size    int      // bytes in writes that are complete
	more    int      // lines that the write under way still owes
}

// next reads the first line of rest, or what a crash left there.
func (c *chain) next(rest []byte) error {
	end := bytes.IndexByte(rest, '\n') + 1
	if end == 0 {
		c.read += len(rest)
		return c.checkTorn(rest)
	}
	line := rest[:end]
	e, err := decode(line)
	if err != nil {
		return err
	}
	if err := c.follows(e); err != nil {
		return err
	}
	c.read += end
	c.entries = append(c.entries, *e)
	c.head = sha256Hex(line)
	c.heads = append(c.heads, c.head)
	c.more = e.More
	if c.more == 0 {
		c.whole, c.size = len(c.entries), c.read
	}
	return nil
}

// follows checks that an entry is the one after the last.
func (c *chain) follows(e *Entry) error {
	switch seq := len(c.entries) + 1; {
	case e.Seq != seq:
		return fmt.Errorf("seq is %d and should be %d", e.Seq, seq)
	case e.Prev != c.head:
		return errors.New("prev is not the hash of the line before")
	case e.More < 0 || c.more > 0 && e.More != c.more-1:
		return fmt.Errorf("more is %d, which the line before does not allow", e.More)
	}
	return nil
}

// checkTorn passes what a crash can leave of a line: its beginning, perhaps
// with zero bytes where the disk holds no content yet. Anything else without a
// newline is damage.
func (c *chain) checkTorn(tail []byte) error {
	begun := bytes.TrimRight(tail, "\x00")
	zeros := len(tail) - len(begun)
	start := fmt.Appendf(nil, `{"seq":%d,"prev":"%s",`, len(c.entries)+1, c.head)
	if n := min(len(start), len(begun)); !bytes.Equal(begun[:n], start[:n]) {
		return errors.New("the line has no end and does not begin as the next line would: it was changed")
	}
	dec := json.NewDecoder(bytes.NewReader(begun))
	var object json.RawMessage
	err := dec.Decode(&object)
	if len(begun) == 0 || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err != nil || len(object) != len(begun) || zeros > 0 {
		return errors.New("the line has no end and is not the beginning of one: it was changed")
	}
	// nothing but the newline is missing.
	e, err := decode(append(begun[:len(begun):len(begun)], '\n'))
	if err != nil {
		return err
	}
	return c.follows(e)
}
