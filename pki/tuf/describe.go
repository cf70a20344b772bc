package tuf

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Described is a change in words, of which nothing was left out: its metadata
// was built again from the words and the last trusted versions, and equals what
// the folder asks to sign byte for byte. Only a Described is signed.
type Described struct {
	staged *Staged
	text   string
	docs   []*document // built from the words
}

// describe makes words of versions to sign. trusted holds the last trusted
// versions by role, root's among them.
func describe(trusted map[string]*document, sign []*document, names map[string]string) (text string, built []*document, err error) {
	var b strings.Builder
	for _, d := range sign {
		doc, err := describeOne(trusted[d.role], d, names, &b)
		if err != nil {
			return "", nil, err
		}
		built = append(built, doc)
	}
	return b.String(), built, nil
}

func describeOne(old, d *document, names map[string]string, b *strings.Builder) (*document, error) {
	var before *model
	var err error
	if old != nil {
		if before, err = readModel(old); err != nil {
			return nil, fmt.Errorf("the last trusted version: %w", err)
		}
	}
	now, err := readModel(d)
	if err != nil {
		return nil, err
	}
	again := &model{role: d.role, spec: metadata.SPECIFICATION_VERSION, roles: map[string]roleModel{}, targets: map[string]targetModel{}}
	if before != nil {
		again = before.clone()
	}
	for _, s := range differences(before, now, names) {
		fmt.Fprintln(b, s.text)
		if s.apply != nil {
			s.apply(again)
		}
	}
	doc, err := again.document()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(doc.raw, d.raw) {
		return nil, fmt.Errorf("%s says more than words can tell, from byte %d on: it is not what trustroot writes", d.fileName(), firstDifference(doc.raw, d.raw))
	}
	return doc, nil
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// Describe says in lines of text what signing the change would do. It reads
// only the metadata: what the folder says about itself does not count, but for
// the names of holders, which stand beside their keys.
func (s *Staged) Describe() (*Described, error) {
	text, docs, err := describe(lastVersions(s), s.sign, s.Holders)
	if err != nil {
		return nil, err
	}
	return &Described{staged: s, text: text, docs: docs}, nil
}

// String is what a holder confirms.
func (d *Described) String() string { return d.text }

// Sign signs every version that the key counts for and writes one signature
// file each. It refuses a key of no role and a key that has signed everything
// already. When it fails, no signature file is left, and the error wraps the
// signer's own.
func (d *Described) Sign(holder string, key crypto.Signer) error {
	if err := signAll(d.staged, d.docs, holder, key); err != nil {
		return fmt.Errorf("sign staged change %s: %w", d.staged.dir, err)
	}
	return nil
}

// lastVersions returns the last trusted versions by role, the newest root among them.
func lastVersions(s *Staged) map[string]*document { return lastOf(s.roots, s.trusted) }

func lastOf(roots []*document, targets map[string]*document) map[string]*document {
	out := maps.Clone(targets)
	if out == nil {
		out = map[string]*document{}
	}
	if len(roots) > 0 {
		out[metadata.ROOT] = roots[len(roots)-1]
	}
	return out
}

// TargetChange is a target that comes, goes or changes. Old or New is nil
// accordingly.
type TargetChange struct {
	Name     string
	Old, New []byte
}

// TargetChanges returns the content of every target that changes, for those
// who can show the difference, sorted by name.
func (s *Staged) TargetChanges() []TargetChange {
	names := maps.Clone(s.content)
	maps.Copy(names, s.previous)
	var out []TargetChange
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, TargetChange{name, s.previous[name], s.content[name]})
	}
	return out
}

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
