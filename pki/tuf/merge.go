package tuf

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// ErrNotSealed says that signatures are missing.
var ErrNotSealed = errors.New("signatures are missing")

// Merge puts the signatures into the metadata once every threshold is met by
// distinct holders, and keeps the result in sealed/. A change that is sealed
// stays as it is: its bytes may be published already.
func (s *Staged) Merge() error {
	if s.sealed != nil {
		return nil
	}
	missing, err := s.Missing()
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fault.New(fault.Failure, "let the holders named sign, then merge again",
			fmt.Errorf("merge %s: %w: %s", s.dir, ErrNotSealed, strings.Join(missing, "; ")))
	}
	out, err := durable.NewDir(filepath.Join(s.dir, sealedDir))
	if err != nil {
		return fmt.Errorf("merge %s: %w", s.dir, err)
	}
	defer out.Discard()
	sealed := map[string]*document{}
	for _, d := range s.sign {
		done, err := seal(s, d)
		if err != nil {
			return fmt.Errorf("merge %s: %w", s.dir, err)
		}
		if err := os.WriteFile(filepath.Join(out.Path(), done.fileName()), done.raw, 0o644); err != nil {
			return fmt.Errorf("merge %s: %w", s.dir, err)
		}
		sealed[d.role] = done
	}
	if err := out.Commit(); err != nil {
		return fmt.Errorf("merge %s: %w", s.dir, err)
	}
	s.sealed = sealed
	return nil
}

// Sealed reports whether the change is merged.
func (s *Staged) Sealed() bool { return s.sealed != nil }

// seal returns a signed copy of a document.
func seal(s *Staged, d *document) (*document, error) {
	staged := d.raw
	for _, id := range slices.Sorted(maps.Keys(s.signatures[d.role])) {
		*d.signatures() = append(*d.signatures(), s.signatures[d.role][id])
	}
	data, err := d.encode()
	*d.signatures(), d.raw = nil, staged
	if err != nil {
		return nil, err
	}
	return checkSealed(s, d, data)
}

// checkSealed reads signed metadata back as what a document became.
func checkSealed(s *Staged, d *document, data []byte) (*document, error) {
	done, err := parseDocument(d.role, data)
	if err != nil {
		return nil, err
	}
	if same, err := d.signsLike(done); err != nil {
		return nil, err
	} else if !same {
		return nil, fmt.Errorf("%s is not what was to be signed", done.fileName())
	}
	sets, err := demands(s, d)
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		if err := set.check(done); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func readSealed(s *Staged) error {
	names := s.files.in(sealedDir)
	if len(names) == 0 {
		return nil
	}
	sealed := map[string]*document{}
	for _, name := range names {
		role, _, err := parseFileName(name)
		if err != nil {
			return fmt.Errorf("%s: %w", sealedDir, err)
		}
		d := s.find(role)
		if d == nil || d.fileName() != name {
			return fmt.Errorf("%s/%s is not to be signed here", sealedDir, name)
		}
		if sealed[role], err = checkSealed(s, d, s.files[sealedDir+"/"+name]); err != nil {
			return fmt.Errorf("%s/%s: %w", sealedDir, name, err)
		}
	}
	if len(sealed) != len(s.sign) {
		return fmt.Errorf("%s holds %d of %d files", sealedDir, len(sealed), len(s.sign))
	}
	s.sealed = sealed
	return nil
}
