package tuf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Kinds of staged change.
const (
	KindInit    = "init"    // the first root and targets
	KindTargets = "targets" // the next targets
	KindRoot    = "root"    // the next root
)

// Names inside a staged folder.
const (
	changeName    = "change.json"
	sumsName      = "SHA256SUMS"
	signDir       = "sign"       // metadata to sign
	trustedDir    = "trusted"    // the last signed versions
	targetsDir    = "targets"    // content of new and changed targets
	previousDir   = "previous"   // content that they replace
	signaturesDir = "signatures" // what holders add
	sealedDir     = "sealed"     // what merge writes
)

const (
	maxChange    = 8 << 20
	maxSignature = 16 << 10
	maxReply     = 1 << 20
)

// change is change.json: what the metadata cannot say itself.
type change struct {
	Version  int               `json:"version"` // 1
	Kind     string            `json:"kind"`    // KindInit, KindTargets or KindRoot
	Created  time.Time         `json:"created"`
	Holders  map[string]string `json:"holders"`            // key ID → name
	Withdraw string            `json:"withdraw,omitempty"` // why published entries are taken back
	Words    []string          `json:"words"`              // for people who look at the file; nothing reads them
}

func parseChange(data []byte) (change, error) {
	if len(data) > maxChange {
		return change{}, fmt.Errorf("%s: %d bytes, at most %d", changeName, len(data), maxChange)
	}
	var c change
	if err := strict.JSON(data, &c); err != nil {
		return change{}, fmt.Errorf("%s: %w", changeName, err)
	}
	var errs []error
	if c.Version != 1 {
		errs = append(errs, fmt.Errorf("version %d: this program reads 1", c.Version))
	}
	if !slices.Contains([]string{KindInit, KindTargets, KindRoot}, c.Kind) {
		errs = append(errs, fmt.Errorf("kind %q is none of init, targets, root", c.Kind))
	}
	if !textForm.MatchString(c.Withdraw) {
		errs = append(errs, errors.New("withdraw is not plain text of at most 500 characters"))
	}
	for _, id := range slices.Sorted(maps.Keys(c.Holders)) {
		if !keyIDForm.MatchString(id) || !holderName.MatchString(c.Holders[id]) {
			errs = append(errs, fmt.Errorf("holders: %.80q: %.80q is not a key ID with a name", id, c.Holders[id]))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return change{}, fmt.Errorf("%s: %w", changeName, err)
	}
	return c, nil
}
