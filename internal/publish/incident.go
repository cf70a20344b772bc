package publish

import (
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// Unknown are the entries that tuf/ publishes and that ledger and plan do not
// say.
type Unknown struct {
	Words []string // one an entry
	file  []byte
}

// FindUnknown returns the published entries that the ledger does not know, nil
// where there is none.
func FindUnknown(d *trustdir.Dir) (*Unknown, error) {
	derived, err := trustedRootBytes(d)
	if err != nil {
		return nil, err
	}
	published, err := publishedRoot(d)
	if err != nil || published == nil {
		return nil, err
	}
	data, words, err := trustedroot.Missing(published, derived)
	if err != nil || data == nil {
		return nil, err
	}
	return &Unknown{Words: words, file: data}, nil
}

// Adopt takes those entries into the ledger: from then on they are derived like
// its own. An entry that differs from the ledger's own cannot be adopted.
func (u *Unknown) Adopt(d *trustdir.Dir, reason string, now time.Time) error {
	name := fmt.Sprintf("incidents/%d.json", len(d.State.Incidents)+1)
	if err := d.WriteNew(trustdir.File{Name: name, Data: u.file}); err != nil {
		return err
	}
	if err := d.Append(now, ledger.Entry{Incident: &ledger.Incident{File: trustdir.FileOf(name, u.file), Reason: reason}}); err != nil {
		return err
	}
	root, err := trustedRootBytes(d)
	if err == nil {
		err = checkPublishedRoot(d, root)
	}
	if err != nil {
		return fault.New(fault.Verification, "take back what is left with `trustroot tuf stage targets --withdraw REASON`", errors.Join(errors.New("the entries are adopted"), err))
	}
	return nil
}
