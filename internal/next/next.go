// Package next says what a trust directory waits for, who does it, and the
// command for it. It reads the directory and opens no connection.
package next

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Who does a step.
const (
	Administrator = "administrator"
	SecondPerson  = "second person"
	KeyHolder     = "key holder"
	Holder        = "holder"
	Witness       = "witness"
)

// Roles are the values of Step.Who.
var Roles = []string{Administrator, SecondPerson, KeyHolder, Holder, Witness}

// Step is one thing that somebody does.
type Step struct {
	Who      string   `json:"who"`
	Name     string   `json:"name,omitempty"`     // of the holder or witness, as the plan names them
	What     string   `json:"what"`               // in the imperative
	Commands []string `json:"commands,omitempty"` // whole command lines; STICK stands for the mounted stick
	// Larger is one command line that takes this step and those after it that wait
	// for nobody else; empty where there is none.
	Larger string `json:"larger,omitempty"`
	// Needed is how many of the holders' steps of a change are enough; 0 means all.
	Needed int  `json:"needed,omitempty"`
	Done   bool `json:"done"`
	// Elsewhere says that the step leaves no trace in the trust directory: it is
	// done when a later step is.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// List is the way from where a trust directory stands to where nothing waits.
type List struct {
	Title string `json:"title"` // "founding", "ceremony renewal-2028", "publication"
	Steps []Step `json:"steps"`
	Quiet string `json:"quiet,omitempty"` // what comes when no step is open, in a sentence
}

// Of reads the trust directory at path. A plan that does not hold yet is a
// step, not an error; a ledger or a plan that somebody tampered with is an error.
func Of(ctx context.Context, path string, now time.Time) (*List, error) {
	if s := begin(path); s != nil {
		return &List{Title: "beginning", Steps: s}, nil
	}
	d, err := trustdir.Open(path)
	if fault.ExitCode(err) == int(fault.Usage) {
		return &List{Title: "plan", Steps: []Step{{Who: Administrator, What: "Correct the plan until it holds", Commands: []string{command(path, "plan check")}}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return In(ctx, d, now)
}

// In is Of for a trust directory that is open.
func In(ctx context.Context, d *trustdir.Dir, now time.Time) (*List, error) {
	w := &way{Dir: d, now: now}
	return w.list(ctx)
}

// begin is what comes before there are a plan and a ledger; nil after that.
func begin(path string) []Step {
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(path, name))
		return !errors.Is(err, fs.ErrNotExist)
	}
	steps := []Step{
		{Who: Administrator, What: "Begin the trust directory: it asks, and writes plan and ledger", Commands: []string{command(path, "init")}, Done: there(trustdir.PlanFile)},
		{Who: Administrator, What: "Fill in tokens, people and days in " + trustdir.PlanFile + ", and have the plan reviewed", Commands: []string{command(path, "plan check")}},
		{Who: Administrator, What: "Begin the ledger", Commands: []string{command(path, "init")}},
	}
	if there(trustdir.LedgerFile) {
		return nil
	}
	_, err := trustdir.OpenToVerify(path) // an absent ledger is named only after the plan was read
	steps[1].Done = steps[0].Done && errors.Is(err, fs.ErrNotExist)
	return steps
}

// Open returns the first step that is not done, and its number from 1; nil when
// nothing waits.
func (l *List) Open() (*Step, int) {
	i := slices.IndexFunc(l.Steps, func(s Step) bool { return !s.Done })
	if i < 0 {
		return nil, 0
	}
	return &l.Steps[i], i + 1
}

// Now returns the commands that may be run now: those of the first open step,
// and, where it leaves no trace in the trust directory, those of the steps after
// it.
func (l *List) Now() []string {
	var out []string
	for _, s := range l.Steps {
		if s.Done {
			continue
		}
		out = append(out, s.Commands...)
		if !s.Elsewhere {
			break
		}
	}
	return out
}

// As keeps the steps of a role.
func (l *List) As(role string) {
	l.Steps = slices.DeleteFunc(l.Steps, func(s Step) bool { return s.Who != role })
}

// command writes a command line of trustroot as it is typed where the person
// stands.
func command(dir, rest string) string {
	if dir == "." {
		return "trustroot " + rest
	}
	return "trustroot --dir " + dir + " " + rest
}
