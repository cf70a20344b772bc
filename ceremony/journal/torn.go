package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// tornMark stands between the journal's name and the digits of a torn line's
// digest in the name of the file that keeps it.
const tornMark = ".torn-"

// split divides a journal into whole lines and what follows the last newline.
func split(data []byte) (whole, rest []byte) {
	end := bytes.LastIndexByte(data, '\n') + 1
	return data[:end], data[end:]
}

// torn says why rest is not the beginning of the line that would come next,
// which is all that a crash can leave.
func (c *lines) torn(rest []byte) error {
	if len(rest) == 0 {
		return nil
	}
	n := len(c.entries) + 1
	if _, err := c.tip.Torn(rest); err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	if bytes.HasSuffix(rest, []byte{0}) {
		return fmt.Errorf("line %d: zero bytes, which no write of this program leaves", n)
	}
	if len(rest) >= maxLine {
		return fmt.Errorf("line %d: more than %d bytes", n, maxLine)
	}
	if c.closed() {
		return fmt.Errorf("line %d: bytes follow the line that closes the journal", n)
	}
	return nil
}

// repair moves a torn line to a file of its own and cuts the journal back to
// whole lines; then it notes every such file that no line names yet. It can
// itself be cut anywhere and done again.
func (j *Journal) repair(whole int, rest []byte) error {
	if len(rest) > 0 {
		aside := j.path + tornMark + digest.Hex(rest)[:16]
		err := j.around("torn file", func() error {
			err := durable.Write(aside, rest, 0o600)
			if errors.Is(err, fs.ErrExist) {
				return nil // an earlier run came this far; its name is its digest
			}
			return err
		})
		if err == nil {
			err = j.around("torn cut", func() error { return j.log.Truncate(int64(whole)) })
		}
		if err != nil {
			return fault.New(fault.Failure, hintSpace, fmt.Errorf("journal: set the torn last line aside: %w", err))
		}
	}
	return j.noteTorn()
}

// noteTorn writes a line for every torn file that has none.
func (j *Journal) noteTorn() error {
	if j.chain.closed() {
		return nil
	}
	noted, err := j.chain.tornFiles()
	if err != nil {
		return fault.New(fault.Verification, hintDamaged, fmt.Errorf("journal %s: %w", j.path, err))
	}
	found, err := j.asides()
	if err != nil {
		return err
	}
	for _, name := range found {
		if slices.Contains(noted, name) {
			continue
		}
		path := filepath.Join(filepath.Dir(j.path), name)
		info, err := os.Lstat(path)
		if err != nil {
			return fmt.Errorf("journal: look at a torn line: %w", err)
		}
		if !info.Mode().IsRegular() || info.Size() > maxLine {
			return fault.New(fault.Verification, hintDamaged, fmt.Errorf("journal: %s is not a torn line that was set aside", path))
		}
		text, err := courier.ReadFile(path, courier.MaxFile)
		if err != nil {
			return fmt.Errorf("journal: read a torn line: %w", err)
		}
		if !strings.HasSuffix(name, tornMark+digest.Hex(text)[:16]) {
			return fault.New(fault.Verification, hintDamaged, fmt.Errorf("journal: %s is not what its name says", path))
		}
		data, err := canonical(Torn{File: name, SHA256: digest.Hex(text), Length: len(text)})
		if err != nil {
			return fmt.Errorf("journal: note a torn line: %w", err)
		}
		if err := j.append(KindTorn, "", data); err != nil {
			return err
		}
	}
	return nil
}

// asides lists the names of the torn files beside the journal, sorted.
func (j *Journal) asides() ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(j.path))
	if err != nil {
		return nil, fmt.Errorf("journal: look for torn lines: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(j.path)+tornMark) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// tornFiles lists the files that the lines of kind torn name.
func (c *lines) tornFiles() ([]string, error) {
	var names []string
	for _, e := range c.entries {
		if e.Kind != KindTorn {
			continue
		}
		var t Torn
		if err := json.Unmarshal(e.Data, &t); err != nil {
			return nil, fmt.Errorf("line %d: %w", e.Seq, err)
		}
		names = append(names, t.File)
	}
	return names, nil
}
