// Package describe says in words what signing a staged change would do. It
// needs no network and no trust directory.
package describe

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// Described is a staged change in words, as a holder confirms it.
type Described struct {
	*tuf.Described
	Text string // the metadata's words, the trusted root's, and the folder's digest
}

// Describe says in words what signing a staged change would do: the change of
// the metadata, every difference of the trusted root (of a first one, every
// entry), and the folder's digest for people to read aloud. A trusted root that
// takes back what was published is an error beside the text.
func Describe(s *tuf.Staged) (Described, error) {
	described, err := s.Describe()
	if err != nil {
		return Described{}, err
	}
	out := Described{described, described.String()}
	changes := s.TargetChanges()
	var refused error
	for _, c := range changes {
		if c.Name != tuf.TrustedRootName || c.New == nil {
			continue
		}
		lines, err := trustLines(c, s.Created, leftOf(changes))
		for _, line := range lines {
			out.Text += "  " + tuf.TrustedRootName + ": " + strings.TrimSpace(line) + "\n"
		}
		if err != nil && s.Withdraw != "" {
			out.Text += "  WITHDRAWN, because: " + s.Withdraw + "\n    " + strings.ReplaceAll(err.Error(), "\n", "\n    ") + "\n"
			err = nil
		}
		if err != nil {
			refused = fault.New(fault.Verification, "do not sign; what was once published must stay valid for the signatures of its time", fmt.Errorf("%s takes back what was published, or is not a trusted root: %w", tuf.TrustedRootName, err))
		}
	}
	digest := s.Digest()
	out.Text += fmt.Sprintf("digest of %s:\n  %x\n  %s\n", s.Dir(), digest, pki.Words(digest[:]))
	return out, refused
}

// leftOf are the keys whose entries left the trusted root, as the ledger's
// head in the same change names them.
func leftOf(changes []tuf.TargetChange) []string {
	for _, c := range changes {
		if c.Name == trustdir.LedgerHeadTarget && c.New != nil {
			if head, err := trustdir.ParseLedgerHead(c.New); err == nil {
				return head.Left
			}
		}
	}
	return nil
}

// trustLines says what a trusted root adds and closes; of a first one, all that
// it holds, with each root certificate's digest in words.
func trustLines(c tuf.TargetChange, at time.Time, left []string) (lines []string, err error) {
	old := c.Old
	if old == nil {
		old = []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`)
	}
	differences, err := trustedroot.Diff(old, c.New, left...)
	for _, difference := range differences {
		lines = append(lines, difference.String())
	}
	if c.Old != nil || err != nil {
		return lines, err
	}
	view, err := trustedroot.Show(c.New, at)
	if err != nil {
		return lines, err
	}
	seen := map[string]bool{}
	for _, role := range view.Roles {
		for _, e := range role.Entries {
			if sum, err := hex.DecodeString(e.Root); err == nil && e.Root != "" && !seen[e.Root] {
				lines = append(lines, fmt.Sprintf("root certificate, SHA-256 %s: %s", e.Root, pki.Words(sum)))
				seen[e.Root] = true
			}
		}
	}
	return lines, nil
}
