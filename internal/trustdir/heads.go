package trustdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Heads checks every head of the ledger that something else in the trust
// directory carries: requests, which records hold, and the target that is
// staged or published. A head that is no line of the ledger says that it was
// cut or rewritten since. It returns how many there are; the error joins every
// file whose head is not there.
func (d *Dir) Heads() (int, error) {
	n := 0
	var errs []error
	for _, carrier := range []struct{ pattern, field string }{
		{"ceremonies/*/sealed/request/request.json", "ledger_head"},
		{"staged/*/targets/" + LedgerHeadTarget, "head"},
		{"tuf/targets/*." + LedgerHeadTarget, "head"},
	} {
		found, err := fs.Glob(d.FS(), carrier.pattern)
		if err != nil {
			return n, err
		}
		for _, name := range found {
			if strings.Contains(name, "/.") {
				continue // a killed command left it half made
			}
			n++
			if err := d.head(name, carrier.field); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return n, errors.Join(errs...)
}

func (d *Dir) head(name, field string) error {
	data, err := fs.ReadFile(d.FS(), name)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return fault.New(fault.Verification, "restore the file from version control", err)
	}
	head, ok := fields[field].(string)
	if !ok {
		return fault.New(fault.Verification, "restore the file from version control", fmt.Errorf("it has no %s", field))
	}
	return d.Ledger.CheckHead(head)
}

// LedgerHead is the content of LedgerHeadTarget.
type LedgerHead struct {
	Entries int    `json:"entries"`
	Head    string `json:"head"` // hex SHA-256 of the last line
	// Left are the hex SHA-256 of keys whose entries left trusted_root.json
	// after a compromise: holders see them go.
	Left []string `json:"left,omitempty"`
}

// ParseLedgerHead reads the content of LedgerHeadTarget.
func ParseLedgerHead(data []byte) (LedgerHead, error) {
	var h LedgerHead
	if err := strict.JSON(data, &h); err != nil {
		return h, fmt.Errorf("%s: %w", LedgerHeadTarget, err)
	}
	return h, nil
}
