package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Names in a trust directory.
const (
	PlanFile   = "pki.yaml"
	LedgerFile = "ledger.jsonl"
)

// Directory is an open trust directory: its plan and its ledger, both read
// and checked.
type Directory struct {
	Path      string
	Plan      *plan.Plan
	PlanBytes []byte
	Ledger    *ledger.Ledger
	State     *ledger.State
}

// Open reads the trust directory at path.
func Open(path string) (*Directory, error) {
	name := filepath.Join(path, PlanFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Usage, "give the trust directory with --dir, or make one with `trustroot init`",
			fmt.Errorf("%s is no trust directory: it has no %s", path, PlanFile))
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
	return &Directory{Path: path, Plan: p, PlanBytes: data, Ledger: l, State: s}, nil
}

// FS is the trust directory as a file system.
func (d *Directory) FS() fs.FS { return os.DirFS(d.Path) }

// join returns the path of a file by its slash-separated name.
func (d *Directory) join(name string) string {
	return filepath.Join(d.Path, filepath.FromSlash(name))
}

// generationDir names the folder of one generation: "authorities/fulcio/g1".
func generationDir(kind, name string, generation int) string {
	return kind + "/" + name + "/g" + strconv.Itoa(generation)
}

// file is one file to be written under the trust directory.
type file struct {
	name string // slash-separated
	data []byte
}

// writeNew writes files that do not exist yet; one that exists with the same
// bytes is left as it is, one with other bytes is refused before any is
// written.
func (d *Directory) writeNew(files ...file) error {
	var missing []file
	for _, f := range files {
		old, err := os.ReadFile(d.join(f.name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, f)
		case err != nil:
			return fmt.Errorf("read %s: %w", f.name, err)
		case string(old) != string(f.data):
			return fault.New(fault.Failure, "a generation's files are written once: plan the next generation, or move this folder away if nothing was signed over it",
				fmt.Errorf("%s exists with other content; nothing was written", f.name))
		}
	}
	for _, f := range missing {
		if err := os.MkdirAll(filepath.Dir(d.join(f.name)), 0o755); err != nil {
			return fmt.Errorf("make the folder of %s: %w", f.name, err)
		}
		if err := durable.Write(d.join(f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// append adds entries to the ledger and reads it again.
func (d *Directory) append(now time.Time, entries ...ledger.Entry) error {
	s, err := ledger.Append(d.join(LedgerFile), d.State.Head, now, entries...)
	if err != nil {
		return err
	}
	d.State = s
	return nil
}
