package trustdir

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Dir is an open trust directory: its plan and its ledger, both read
// and checked.
type Dir struct {
	Path      string
	Plan      *plan.Plan
	PlanBytes []byte
	Ledger    *ledger.Ledger
	State     *ledger.State
}

// Open reads the trust directory at path, and refuses it where its ledger
// lacks a head that something else in the directory carries.
func Open(path string) (*Dir, error) {
	d, err := OpenToVerify(path)
	if err != nil {
		return nil, err
	}
	if _, err := d.Heads(); err != nil {
		return nil, fault.New(fault.Verification, "run `trustroot ledger verify`, which explains it; nothing else works on this directory until then, and nothing was changed", err)
	}
	return d, nil
}

// OpenToVerify is Open for the command that explains what does not hold.
func OpenToVerify(path string) (*Dir, error) {
	name := filepath.Join(path, PlanFile)
	data, err := courier.ReadFile(name, courier.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Usage, "give the trust directory with --dir, or make one with `trustroot init`",
			fmt.Errorf("%s is not a trust directory: it has no %s", path, PlanFile))
	}
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	p, err := plan.Parse(name, data)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Read(filepath.Join(path, LedgerFile))
	if err != nil {
		return nil, err
	}
	s := l.State()
	if s.Rehearsal != (p.Rehearsal != nil) {
		return nil, fault.New(fault.Verification, "a rehearsal's directory stays one: start a real one with `trustroot init`",
			fmt.Errorf("%s and %s in %s disagree on whether this is a rehearsal", PlanFile, LedgerFile, path))
	}
	return &Dir{Path: path, Plan: p, PlanBytes: data, Ledger: l, State: s}, nil
}

// ID names this trust directory among others of its organization: the beginning
// of the SHA-256 of the ledger's first line.
func (d *Dir) ID() string {
	first := d.State.Head
	if entries := d.Ledger.Entries(); len(entries) > 1 {
		first = entries[1].Prev
	}
	return first[:16]
}

// FS is the trust directory as a file system.
func (d *Dir) FS() fs.FS { return courier.FS(d.Path) }

// Join returns the path of a file by its slash-separated name.
func (d *Dir) Join(name string) string {
	return filepath.Join(d.Path, filepath.FromSlash(name))
}

// Append adds entries to the ledger and reads it again.
func (d *Dir) Append(now time.Time, entries ...ledger.Entry) error {
	s, err := ledger.Append(d.Join(LedgerFile), d.State.Head, now, entries...)
	if err != nil {
		return err
	}
	d.State = s
	return nil
}
