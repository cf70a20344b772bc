package ledger

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/linnemanlabs/trustroot/internal/chain"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	serialForm = regexp.MustCompile(`^[1-9a-f][0-9a-f]{0,39}$`) // at most 20 octets, RFC 5280 4.1.2.2
)

// problems collects what is wrong with one entry.
type problems []error

func (ps *problems) add(format string, args ...any) {
	*ps = append(*ps, fmt.Errorf(format, args...))
}

func (ps *problems) name(field, value string) {
	if !nameForm.MatchString(value) {
		ps.add("%s is %q: a name is lower-case letters, digits and hyphens", field, value)
	}
}

func (ps *problems) digest(field, value string) {
	if !digestForm.MatchString(value) {
		ps.add("%s is %q: a SHA-256 is 64 lower-case hex digits", field, value)
	}
}

func (ps *problems) serial(value string) {
	if !serialForm.MatchString(value) {
		ps.add("serial is %q: a serial is 1 to 40 lower-case hex digits, not zero in front", value)
	}
}

// text wants something readable that cannot drive a terminal.
func (ps *problems) text(field, value string) {
	if value == "" {
		ps.add("%s is empty", field)
	}
	if !utf8.ValidString(value) {
		ps.add("%s is not valid UTF-8", field)
	}
	for _, r := range value {
		if !unicode.IsPrint(r) {
			ps.add("%s holds the unprintable character %U", field, r)
			return
		}
	}
}

func (ps *problems) instant(field string, t time.Time) {
	if _, offset := t.Zone(); t.IsZero() || offset != 0 || t.Nanosecond() != 0 || t.Year() > 9999 {
		ps.add("%s is %s: a time is UTC in whole seconds", field, t.Format(time.RFC3339Nano))
	}
}

func (ps *problems) file(field string, f File) {
	if !fs.ValidPath(f.Path) || f.Path == "." {
		ps.add("%s.path is %q: a path is slash-separated, inside the trust directory", field, f.Path)
	}
	ps.text(field+".path", f.Path)
	ps.digest(field+".sha256", f.SHA256)
}

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
