package draft

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// PlanReport is what a plan would make.
type PlanReport struct {
	File     string   `json:"file"`
	Drafts   []Draft  `json:"certificates"`
	Unpinned []string `json:"unpinned,omitempty"` // what a request still needs
	// Findings are of all certificates that were ever issued together, and what a
	// colleague would ask about the plan.
	Findings []finding.Finding `json:"findings,omitempty"`
}

// Check reads a plan and issues everything in it under throwaway keys.
// Where a ledger lies beside the plan, its certificates stand for those that
// no ceremony of the plan makes.
func Check(path string, now time.Time) (*PlanReport, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	p, err := plan.Parse(path, data)
	if err != nil {
		return nil, err
	}
	known, state, err := knownBeside(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	r := &PlanReport{File: path, Findings: append(Names(known), Review(p, state, now)...)}
	if r.Drafts, err = Drafts(p, known); err != nil {
		return nil, err
	}
	r.Unpinned = p.Unpinned()
	return r, nil
}

// Errors counts what keeps the plan's certificates from being issued.
func (r *PlanReport) Errors() int {
	n := 0
	for _, d := range r.Drafts {
		n += d.Errors()
	}
	return n
}

// knownBeside reads the certificates of the ledger in a folder, if there is
// one.
func knownBeside(dir string) (Known, *ledger.State, error) {
	l, err := ledger.Read(filepath.Join(dir, trustdir.LedgerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	known, err := certificatesOf(l.State(), os.DirFS(dir))
	return known, l.State(), err
}

// Certificates reads every certificate that the ledger speaks of.
func Certificates(d *trustdir.Dir) (Known, error) { return certificatesOf(d.State, d.FS()) }

func certificatesOf(s *ledger.State, files fs.FS) (Known, error) {
	known := Known{}
	var errs []error
	for name, generations := range s.Authorities {
		for _, g := range generations {
			c, err := g.Certificate.File.Certificate(files)
			if err != nil {
				errs = append(errs, err)
			}
			known[name] = append(known[name], c)
		}
	}
	return known, errors.Join(errs...)
}
