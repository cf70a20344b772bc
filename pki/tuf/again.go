package tuf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// againWithin is how long ago a change may be staged that stands for the same
// one: a command that was stopped after its rename is run again soon.
const againWithin = 24 * time.Hour

// staged returns a change in a folder of staged changes that says the same as
// this draft but for its times, or nil. A folder that is not a change is passed
// over: whoever opens it is told.
func (d *draft) staged(folder string) (*Staged, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("stage: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue // a killed command left it
		}
		if _, err := os.Stat(filepath.Join(folder, e.Name(), changeName)); err != nil {
			continue
		}
		s, err := OpenStaged(filepath.Join(folder, e.Name()))
		if err != nil || d.created.Sub(s.Created).Abs() > againWithin {
			continue
		}
		same, err := d.same(s)
		if same || err != nil {
			return s, err
		}
	}
	return nil, nil
}

// same reports whether a change says what the draft says, but for its times.
func (d *draft) same(s *Staged) (bool, error) {
	if s.Kind != d.kind || s.Withdraw != d.withdraw || len(s.sign) != len(d.sign) {
		return false, nil
	}
	for _, doc := range d.sign {
		other := s.find(doc.role)
		if other == nil {
			return false, nil
		}
		same, err := sameBut(other, doc)
		if err != nil || !same || other.version() != doc.version() {
			return false, err
		}
	}
	return true, nil
}
