package tuf

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// foreign says how a repository is read that others made: its keys need only
// please go-tuf, and the roots before the trusted one may be missing or wrong,
// because a client never asks for them. The zero value is our own repository.
type foreign struct {
	trusted *document
	dislike func(error) // takes what only our rules refuse
}

// theirRole is what the roles of others are named like: registry.npmjs.org.
var theirRole = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._@+-]*$`)

// mark hands dislike to a document that was read.
func (s foreign) mark(d *document, err error) (*document, error) {
	if d != nil {
		d.dislike = s.dislike
	}
	return d, err
}

// passes reports whether no client that trusts s.trusted asks for a version of
// root.
func (s foreign) passes(version int64) bool {
	return s.dislike != nil && version <= s.trusted.version()
}

// walk adds a root up to the trusted one to a chain. It begins a new chain
// where the old one breaks; the trusted root stands in for its own version.
func (s foreign) walk(roots []*document, version int64, d *document, err error) []*document {
	if errors.Is(err, objects.ErrNotFound) {
		err = fmt.Errorf("%s is missing: clients that trust an earlier root stop there", fileName(metadata.ROOT, version))
	}
	if err == nil {
		var chain []*document
		if len(roots) > 0 || version == 1 {
			chain, err = appendRoot(roots, d)
		}
		if err == nil && chain != nil {
			return chain
		}
	}
	if err != nil {
		s.dislike(err)
	}
	switch {
	case d != nil && d.version() == version:
		return []*document{d}
	case version == s.trusted.version():
		s.trusted.dislike = s.dislike
		return []*document{s.trusted}
	}
	return nil
}

// verifyTheirs checks a signature as go-tuf does: with the hash that the key's
// scheme names, and under type names that we do not write.
func verifyTheirs(d *document, id string, key *metadata.Key) error {
	one := metadata.Root()
	one.Signed.Keys = map[string]*metadata.Key{id: key}
	one.Signed.Roles = map[string]*metadata.Role{d.role: {KeyIDs: []string{id}, Threshold: 1}}
	return one.VerifyDelegate(d.role, d.head().meta)
}

// ids returns the IDs of all keys, sorted.
func (s keySet) ids() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(s.keys)), slices.Collect(maps.Keys(s.theirs))...)))
}

// distinct counts the keys behind key IDs: a key under two IDs is one.
func (s keySet) distinct(ids []string) int {
	seen := map[string]bool{}
	for _, id := range ids {
		var pub crypto.PublicKey = s.keys[id]
		if key := s.theirs[id]; key != nil {
			pub, _ = key.ToPublicKey() // its signature was verified: it decodes
		}
		if der, err := x509.MarshalPKIXPublicKey(pub); err == nil {
			seen[string(der)] = true
		}
	}
	return len(seen)
}
