// Package chain is a file of lines that each carry the SHA-256 of the line
// before: the ceremony's journal and the ledger. A line is a JSON object that
// begins with its number and that digest. The package checks the links and what
// a crash may leave at the end; what the lines say is not its matter.
package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

// First is what the first line carries, before which there is none.
var First = strings.Repeat("0", 2*sha256.Size)

// Marshal encodes v as JSON with a newline, and leaves <, > and & readable.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Tip is the end of a chain as far as it was read; the zero value is its
// beginning.
type Tip struct {
	Lines int    // so far
	head  string // of the last line
}

// Head is the hex SHA-256 of the last raw line with its newline.
func (t *Tip) Head() string {
	if t.Lines == 0 {
		return First
	}
	return t.head
}

// Follows says why a line with this number and digest is not the next one.
func (t *Tip) Follows(seq int, prev string) error {
	if seq != t.Lines+1 {
		return fmt.Errorf("seq is %d and should be %d", seq, t.Lines+1)
	}
	if prev != t.Head() {
		return fmt.Errorf("prev is %.70q, the line before has the SHA-256 %s", prev, t.Head())
	}
	return nil
}

// Add takes a line, with its newline.
func (t *Tip) Add(line []byte) {
	t.Lines, t.head = t.Lines+1, digest.Hex(line)
}

// Torn passes what a crash can leave of the next line, which has no newline:
// its beginning, perhaps with zero bytes where the disk holds no content yet.
// Anything else is damage. whole says that only the newline is missing.
func (t *Tip) Torn(tail []byte) (whole bool, err error) {
	begun := bytes.TrimRight(tail, "\x00")
	start := fmt.Appendf(nil, `{"seq":%d,"prev":"%s",`, t.Lines+1, t.Head())
	if n := min(len(start), len(begun)); !bytes.Equal(begun[:n], start[:n]) {
		return false, errors.New("the line has no end and does not begin as the next line would: it was changed")
	}
	d := json.NewDecoder(bytes.NewReader(begun))
	var object json.RawMessage
	err = d.Decode(&object)
	if len(begun) == 0 || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	if err != nil || d.InputOffset() != int64(len(tail)) {
		return false, errors.New("the line has no end and is not the beginning of one: it was changed")
	}
	return true, nil
}
