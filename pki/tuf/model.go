package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// model is all that a version of root or targets, or of a delegated role, can
// say. What a model cannot hold is not signed.
type model struct {
	role    string
	spec    string // of TUF; document writes that of this program
	version int64
	expires time.Time // UTC, whole seconds
	periods OnlineRole
	roles   map[string]roleModel   // of root: the top-level roles; of targets: delegations
	order   []string               // delegations, as clients ask them
	targets map[string]targetModel // by name
}

type roleModel struct {
	threshold   int
	keys        keyRing
	periods     OnlineRole // of snapshot and timestamp
	paths       string     // of a delegation, joined by blanks
	terminating bool       // of a delegation
}

type targetModel struct {
	length int64
	sha256 string // hex
	usage  Usage  // zero where older clients are told nothing
}

// keyRing is keys by key ID.
type keyRing map[string]*ecdsa.PublicKey

func ringOf(holders []Holder) (keyRing, error) {
	out := keyRing{}
	for _, h := range holders {
		id, err := KeyID(h.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("holder %s: %w", h.Name, err)
		}
		out[id] = h.PublicKey
	}
	return out, nil
}

// ringOfKeys is online keys by key ID.
func ringOfKeys(keys ...crypto.PublicKey) (keyRing, error) {
	out := keyRing{}
	for _, key := range keys {
		pub, err := CheckKey(key)
		if err != nil {
			return nil, fmt.Errorf("online key: %w", err)
		}
		id, err := KeyID(pub)
		if err != nil {
			return nil, err
		}
		out[id] = pub
	}
	return out, nil
}

func (r keyRing) ids() []string { return slices.Sorted(maps.Keys(r)) }

// clone copies a model so far that statements can change it.
func (m *model) clone() *model {
	c := *m
	c.roles, c.targets = maps.Clone(m.roles), maps.Clone(m.targets)
	for name, r := range c.roles {
		r.keys = maps.Clone(r.keys)
		c.roles[name] = r
	}
	c.order = slices.Clone(m.order)
	return &c
}

// document builds the metadata that says what the model holds, unsigned.
func (m *model) document() (*document, error) {
	if m.role == metadata.ROOT {
		return m.rootDocument()
	}
	meta := metadata.Targets(m.expires)
	meta.Signed.Version = m.version
	meta.Signed.UnrecognizedFields = windowFields(m.periods)
	for name, t := range m.targets {
		file, err := t.file(name)
		if err != nil {
			return nil, err
		}
		meta.Signed.Targets[name] = file
	}
	if len(m.order) > 0 {
		meta.Signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	for _, name := range m.order {
		r := m.roles[name]
		if err := r.keys.add(meta.Signed.Delegations.Keys); err != nil {
			return nil, err
		}
		meta.Signed.Delegations.Roles = append(meta.Signed.Delegations.Roles, metadata.DelegatedRole{
			Name: name, Threshold: r.threshold, Terminating: r.terminating, Paths: strings.Fields(r.paths), KeyIDs: r.keys.ids(),
		})
	}
	return sealModel(&document{role: m.role, targets: meta})
}

func (m *model) rootDocument() (*document, error) {
	meta := metadata.Root(m.expires)
	meta.Signed.Version = m.version
	meta.Signed.UnrecognizedFields = windowFields(m.periods)
	for name, r := range m.roles {
		if err := r.keys.add(meta.Signed.Keys); err != nil {
			return nil, err
		}
		role := &metadata.Role{KeyIDs: r.keys.ids(), Threshold: r.threshold}
		if r.periods != (OnlineRole{}) {
			role.UnrecognizedFields = windowFields(r.periods)
		}
		meta.Signed.Roles[name] = role
	}
	return sealModel(&document{role: metadata.ROOT, root: meta})
}

// sealModel keeps the bytes of unsigned metadata beside it.
func sealModel(d *document) (*document, error) {
	_, err := d.encode()
	return d, err
}

// add puts the keys into metadata's own form.
func (r keyRing) add(into map[string]*metadata.Key) error {
	for id, pub := range r {
		key, _, err := encodeKey(pub)
		if err != nil {
			return err
		}
		into[id] = key
	}
	return nil
}

func (t targetModel) file(name string) (*metadata.TargetFiles, error) {
	sum, err := hex.DecodeString(t.sha256)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", name, err)
	}
	file := metadata.TargetFile()
	file.Path, file.Length, file.Hashes = name, t.length, metadata.Hashes{"sha256": sum}
	if t.usage != (Usage{}) {
		custom, err := json.Marshal(map[string]Usage{"sigstore": t.usage})
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", name, err)
		}
		file.Custom = (*json.RawMessage)(&custom)
	}
	return file, nil
}
