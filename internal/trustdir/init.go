package trustdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Init begins a trust directory and returns the paths it wrote. A plan that
// is there already is checked and kept; an existing ledger is refused.
func Init(dir, organization, domain string, now time.Time) ([]string, error) {
	planPath, ledgerPath := filepath.Join(dir, PlanFile), filepath.Join(dir, LedgerFile)
	if _, err := os.Stat(ledgerPath); err == nil {
		return nil, fault.New(fault.Usage, "this is a trust directory already; nothing was changed", fmt.Errorf("%s exists", ledgerPath))
	}
	text, err := courier.ReadFile(planPath, courier.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return initPlan(planPath, organization, domain, now)
	}
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	p, err := plan.Parse(planPath, text)
	if err != nil {
		return nil, err
	}
	written := []string{ledgerPath}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(ignore); errors.Is(err, fs.ErrNotExist) {
		if err := durable.Write(ignore, []byte("# what an interrupted command leaves; the next one removes it\n.*.tmp-*\n"), 0o644); err != nil {
			return nil, err
		}
		written = append(written, ignore)
	}
	return written, ledger.Create(ledgerPath, ledger.Created{Organization: p.Organization, Rehearsal: p.Rehearsal != nil}, now)
}

// initPlan writes a plan to fill in. The ledger waits until the plan is whole:
// it carries the plan's organization.
func initPlan(path, organization, domain string, now time.Time) ([]string, error) {
	if organization == "" || domain == "" {
		return nil, fault.New(fault.Usage, "give --organization and --domain; a plan to fill in is written from them, and `trustroot init` again makes the ledger", errors.New("there is no plan here yet"))
	}
	text, err := plan.Example{
		Organization: organization,
		Name:         organization,
		Domain:       domain,
		NotBefore:    now.UTC().Truncate(24 * time.Hour),
		Holders:      []plan.ExampleHolder{{Name: "first"}, {Name: "second"}, {Name: "third"}},
		Threshold:    2,
	}.Render()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the trust directory: %w", err)
	}
	return []string{path}, durable.Write(path, text, 0o644)
}
