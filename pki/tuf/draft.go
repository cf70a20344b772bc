package tuf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// draft is a staged folder before it is written.
type draft struct {
	kind     string
	withdraw string
	created  time.Time
	holders  map[string]string
	sign     []*document
	base     *repository       // what is published; nil for the first
	targets  map[string][]byte // content of new and changed targets
	previous map[string][]byte // content that they replace
}

// write makes the folder in one step and opens it as a holder will.
func (d *draft) write(dir string) (*Staged, error) {
	if s, err := d.staged(filepath.Dir(dir)); s != nil || err != nil {
		return s, err
	}
	out, err := durable.NewDir(dir)
	if err != nil {
		return nil, fault.New(fault.Failure, "choose a folder that is not there yet", fmt.Errorf("stage: %w", err))
	}
	defer out.Discard()
	files, err := d.files()
	for name, data := range files {
		at := filepath.Join(out.Path(), filepath.FromSlash(name))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, data, 0o644))
	}
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", dir, err)
	}
	if err := out.Commit(); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	return OpenStaged(dir)
}

func (d *draft) words() ([]string, error) {
	last := map[string]*document{}
	if d.base != nil {
		last = lastOf(d.base.roots, d.base.targets)
	}
	text, _, err := describe(last, d.sign, d.holders)
	return strings.Split(strings.TrimSpace(text), "\n"), err
}

// files are those of the folder.
func (d *draft) files() (folder, error) {
	f := folder{}
	var errs []error
	for _, doc := range d.sign {
		data, err := doc.encode()
		f[signDir+"/"+doc.fileName()], errs = data, append(errs, err)
	}
	if d.base != nil {
		for _, doc := range append(slices.Clone(d.base.roots), slices.Collect(maps.Values(d.base.targets))...) {
			f[trustedDir+"/"+doc.fileName()] = doc.raw
		}
	}
	for name, content := range d.targets {
		f[targetsDir+"/"+name] = content
	}
	for name, content := range d.previous {
		f[previousDir+"/"+name] = content
	}
	words, err := d.words()
	errs = append(errs, err)
	c, err := strict.Indented(change{
		Version: 1, Kind: d.kind, Created: d.created.UTC().Truncate(time.Second), Holders: d.holders, Withdraw: d.withdraw, Words: words,
	})
	f[changeName] = c
	f[sumsName] = courier.Sums(f)
	return f, errors.Join(append(errs, err)...)
}

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
