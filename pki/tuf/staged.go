package tuf

import (
	"crypto"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

var keyIDForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Staged is a staged folder that was read and checked whole: metadata to sign,
// the last signed versions, content, and the signatures so far.
type Staged struct {
	dir        string
	files      folder
	change     // what the folder says of itself
	digest     [32]byte
	roots      []*document          // the last signed chain, version 1 first
	trusted    map[string]*document // the last signed targets, by role
	sign       []*document          // root first, then by role
	sealed     map[string]*document // by role; nil before Merge
	content    map[string][]byte    // of new and changed targets
	previous   map[string][]byte    // of the targets that they replace
	signatures map[string]map[string]metadata.Signature
}

// Version is one version of one role.
type Version struct {
	Role    string    `json:"role"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
}

// OpenStaged reads a staged folder. It refuses a folder whose files are not
// those that SHA256SUMS lists, metadata that does not continue the last signed
// versions, content that is not what the metadata names, and any signature that
// is not over this version by a key of its role.
func OpenStaged(dir string) (*Staged, error) {
	s, err := openStaged(dir)
	if err != nil {
		return nil, fault.New(fault.Verification, "get the folder again from the one who staged it", fmt.Errorf("open staged change %s: %w", dir, err))
	}
	return s, nil
}

func openStaged(dir string) (*Staged, error) {
	files, err := courier.ReadFolder(dir, folderLimits)
	if err != nil {
		return nil, err
	}
	s := &Staged{dir: dir, files: files, trusted: map[string]*document{}, signatures: map[string]map[string]metadata.Signature{}}
	if s.digest, err = s.files.checkSums(); err != nil {
		return nil, err
	}
	if s.change, err = parseChange(files[changeName]); err != nil {
		return nil, err
	}
	for _, step := range []func(*Staged) error{(*Staged).readLayout, (*Staged).readTrusted, (*Staged).readSign, (*Staged).checkWords, readContent, readSignatures, readSealed} {
		if err := step(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readLayout refuses files that nothing would read.
func (s *Staged) readLayout() error {
	for name := range s.files {
		top, _, nested := strings.Cut(name, "/")
		switch top {
		case changeName, sumsName:
			if nested {
				return fmt.Errorf("%s does not belong here", name)
			}
		case signDir, trustedDir, targetsDir, previousDir, signaturesDir, sealedDir:
		default:
			return fmt.Errorf("%s does not belong here", name)
		}
	}
	return nil
}

func readMetadata(f folder, dir, name string) (*document, error) {
	role, version, err := parseFileName(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if role == metadata.SNAPSHOT || role == metadata.TIMESTAMP {
		return nil, fmt.Errorf("%s/%s: the online key signs that", dir, name)
	}
	d, err := parseDocument(role, f[dir+"/"+name])
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", dir, name, err)
	}
	if d.version() != version {
		return nil, fmt.Errorf("%s/%s has version %d inside", dir, name, d.version())
	}
	return d, nil
}

func (s *Staged) readTrusted() error {
	var roots []*document
	for _, name := range s.files.in(trustedDir) {
		d, err := readMetadata(s.files, trustedDir, name)
		switch {
		case err != nil:
			return err
		case d.root != nil:
			roots = append(roots, d)
		case s.trusted[d.role] != nil:
			return fmt.Errorf("%s holds two versions of %s", trustedDir, d.role)
		default:
			s.trusted[d.role] = d
		}
	}
	slices.SortFunc(roots, func(a, b *document) int { return int(a.version() - b.version()) })
	for _, d := range roots {
		var err error
		if s.roots, err = appendRoot(s.roots, d); err != nil {
			return fmt.Errorf("%s: %w", trustedDir, err)
		}
	}
	if first := s.Kind == KindInit; first != (len(s.roots) == 0) || first != (len(s.trusted) == 0) {
		return fmt.Errorf("a change of kind %s with %d signed roots", s.Kind, len(s.roots))
	}
	if len(s.roots) == 0 {
		return nil
	}
	if s.trusted[metadata.TARGETS] == nil {
		return fmt.Errorf("%s holds no targets", trustedDir)
	}
	return checkTargets(s.roots[len(s.roots)-1], s.trusted)
}

func (s *Staged) readSign() error {
	for _, name := range s.files.in(signDir) {
		d, err := readMetadata(s.files, signDir, name)
		if err != nil {
			return err
		}
		if len(*d.signatures()) > 0 {
			return fmt.Errorf("%s/%s is signed already", signDir, name)
		}
		if s.find(d.role) != nil {
			return fmt.Errorf("%s holds two versions of %s", signDir, d.role)
		}
		if want := s.lastVersion(d.role) + 1; d.version() != want {
			return fmt.Errorf("%s/%s: the version after the last signed one is %d", signDir, name, want)
		}
		s.sign = append(s.sign, d)
	}
	slices.SortFunc(s.sign, func(a, b *document) int {
		if (a.root != nil) != (b.root != nil) {
			return map[bool]int{true: -1, false: 1}[a.root != nil]
		}
		return strings.Compare(a.role, b.role)
	})
	return s.checkKind()
}

// checkKind compares what is to be signed with the kind of change.
func (s *Staged) checkKind() error {
	root := s.find(metadata.ROOT) != nil
	switch {
	case len(s.sign) == 0:
		return errors.New("there is nothing to sign")
	case s.Kind == KindTargets && root:
		return errors.New("a change of targets that has a root to sign")
	case s.Kind != KindTargets && !root:
		return fmt.Errorf("a change of kind %s that has no root to sign", s.Kind)
	case s.Kind == KindInit && s.find(metadata.TARGETS) == nil:
		return errors.New("a first repository that has no targets to sign")
	}
	// every demand must be readable: keys of the right type, thresholds that
	// can be met
	for _, d := range s.sign {
		if _, err := demands(s, d); err != nil {
			return err
		}
	}
	if root {
		return checkRootRoles(s.root())
	}
	return nil
}

// checkWords refuses metadata that says more than its description.
func (s *Staged) checkWords() error {
	_, err := s.Describe()
	return err
}

// find returns the metadata to sign of a role.
func (s *Staged) find(role string) *document {
	for _, d := range s.sign {
		if d.role == role {
			return d
		}
	}
	return nil
}

func (s *Staged) lastVersion(role string) int64 {
	if role == metadata.ROOT {
		return int64(len(s.roots))
	}
	return s.trusted[role].version()
}

// root returns the root that will be in force.
func (s *Staged) root() *document {
	if d := s.find(metadata.ROOT); d != nil {
		return d
	}
	return s.roots[len(s.roots)-1]
}

// wanted returns the targets metadata that will be in force, by role.
func (s *Staged) wanted() map[string]*document {
	out := maps.Clone(s.trusted)
	for _, d := range s.sign {
		if d.targets != nil {
			out[d.role] = d
		}
	}
	return out
}

// Dir returns the folder.
func (s *Staged) Dir() string { return s.dir }

// Digest returns the SHA-256 of SHA256SUMS, which covers everything but
// signatures. People compare it aloud.
func (s *Staged) Digest() [32]byte { return s.digest }

// Versions returns what is to be signed, root first.
func (s *Staged) Versions() []Version { return versionsOf(s.sign) }

// HolderOf returns the name that stands beside a key in the folder, or an
// error for a key that signs nothing here. The name is for people: what counts
// is the key.
func (s *Staged) HolderOf(pub crypto.PublicKey) (string, error) {
	id, err := KeyID(pub)
	if err != nil {
		return "", err
	}
	docs, err := countsFor(s, s.sign, id)
	if err != nil {
		return "", err
	}
	name, known := s.Holders[id]
	if len(docs) == 0 || !known {
		return "", fault.New(fault.Usage, "check that the token and the slot are those that you gave when you joined",
			fmt.Errorf("key %.12s signs none of the roles in %s", id, s.dir))
	}
	return name, nil
}
