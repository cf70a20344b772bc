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

// carriers are the files that carry a head of the ledger, and its field.
var carriers = []struct{ pattern, field string }{
	{"ceremonies/*/sealed/request/request.json", "ledger_head"},
	{"staged/*/targets/" + LedgerHeadTarget, "head"},
	{"tuf/targets/*." + LedgerHeadTarget, "head"},
}

// Heads checks every head of the ledger that something else in the trust
// directory carries: requests, which records hold, and the target that is
// staged or published. A head that is not a line of the ledger says that it was
// cut or rewritten since, unless the ledger gave it up. It returns how many there are; the error joins every
// file whose head is not there.
func (d *Dir) Heads() (int, error) {
	n := 0
	var errs []error
	for _, carrier := range carriers {
		found, err := fs.Glob(d.FS(), carrier.pattern)
		if err != nil {
			return n, err
		}
		for _, name := range found {
			if strings.Contains(name, "/.") {
				continue // a killed command left it half made
			}
			n++
			head, err := d.headIn(name, carrier.field)
			if err == nil {
				err = d.Ledger.CheckHead(head)
			}
			// what is published, or of a record that was accepted, is never given up
			if _, up := d.State.GivenUp[head]; err != nil && (!up || d.MayGiveUp(name) != nil) {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return n, errors.Join(errs...)
}

// MayGiveUp refuses a file whose head must stay in the ledger.
func (d *Dir) MayGiveUp(name string) error {
	folder, rest, _ := strings.Cut(name, "/")
	record, _, _ := strings.Cut(rest, "/")
	if _, accepted := d.State.Digests["ceremonies/"+record+"/sealed/SHA256SUMS"]; folder == RepositoryDir || folder == "ceremonies" && accepted {
		return fault.New(fault.Verification, "restore the ledger from version control", fmt.Errorf("%s is published or accepted: its head is not given up", name))
	}
	return nil
}

// HeadOf returns the head that a folder of the trust directory carries, and the
// file that holds it: a staged change's or a record's.
func (d *Dir) HeadOf(folder string) (head, name string, err error) {
	for _, carrier := range carriers {
		name, rest := folder, strings.Split(carrier.pattern, "/")
		if at := strings.Split(folder, "/"); len(at) > 2 || rest[0] != at[0] || rest[1] != "*" {
			continue
		}
		name += "/" + strings.Join(rest[2:], "/")
		head, err := d.headIn(name, carrier.field)
		return head, name, err
	}
	return "", "", fault.New(fault.Usage, "name a folder of staged/ or ceremonies/, or the head itself in hex", fmt.Errorf("%s carries no head of the ledger", folder))
}

func (d *Dir) headIn(name, field string) (string, error) {
	data, err := fs.ReadFile(d.FS(), name)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return "", fault.New(fault.Verification, "restore the file from version control", err)
	}
	head, ok := fields[field].(string)
	if !ok {
		return "", fault.New(fault.Verification, "restore the file from version control", fmt.Errorf("it has no %s", field))
	}
	return head, nil
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
