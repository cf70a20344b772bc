package ledger

import (
	"bytes"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/chain"
)

// lines reads the lines of a ledger one by one and checks their form, their
// sums, and that each follows the one before. What they say is not its matter.
type lines struct {
	entries []Entry
	heads   []string // hash of each line
	tip     chain.Tip
	read    int // bytes read
	whole   int // lines in writes that are complete
	size    int // bytes in writes that are complete
	more    int // lines that the write under way still owes
}

// next reads the first line of rest, or what a crash left there.
func (c *lines) next(rest []byte) error {
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
	c.tip.Add(line)
	c.heads = append(c.heads, c.tip.Head())
	c.more = e.More
	if c.more == 0 {
		c.whole, c.size = len(c.entries), c.read
	}
	return nil
}

// follows checks that an entry is the one after the last.
func (c *lines) follows(e *Entry) error {
	if e.More < 0 || c.more > 0 && e.More != c.more-1 {
		return fmt.Errorf("more is %d, which the line before does not allow", e.More)
	}
	return c.tip.Follows(e.Seq, e.Prev)
}

// checkTorn passes what a crash can leave of a line.
func (c *lines) checkTorn(tail []byte) error {
	whole, err := c.tip.Torn(tail)
	if err != nil || !whole {
		return err
	}
	e, err := decode(append(tail[:len(tail):len(tail)], '\n'))
	if err != nil {
		return err
	}
	return c.follows(e)
}
