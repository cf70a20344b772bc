package local

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// key is one KMS key. Its private half is stored as PKCS #8.
type key struct {
	ID          string            `json:"id"`
	Spec        string            `json:"spec"`
	Description string            `json:"description,omitempty"`
	Origin      string            `json:"origin"`
	MultiRegion bool              `json:"multi_region,omitempty"`
	State       string            `json:"state"`
	Created     time.Time         `json:"created"`
	Deletion    *time.Time        `json:"deletion,omitempty"`
	Policy      string            `json:"policy"`
	Tags        map[string]string `json:"tags,omitempty"`
	Grants      []grant           `json:"grants,omitempty"`
	PKCS8       []byte            `json:"pkcs8"`

	signer crypto.Signer
}

// grant lets a principal call operations without the key policy.
type grant struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"`
	Grantee    string    `json:"grantee"`
	Operations []string  `json:"operations"`
	Created    time.Time `json:"created"`
}

// Key states of the KMS API.
const (
	stateEnabled         = "Enabled"
	stateDisabled        = "Disabled"
	statePendingDeletion = "PendingDeletion"
)

// curves of the specs that the stand-in makes; nil is Ed25519.
var curves = map[string]elliptic.Curve{
	"ECC_NIST_P256":         elliptic.P256(),
	"ECC_NIST_P384":         elliptic.P384(),
	"ECC_NIST_P521":         elliptic.P521(),
	"ECC_NIST_EDWARDS25519": nil,
}

// algorithms that KMS lists for each spec, in its order.
var algorithms = map[string][]string{
	"ECC_NIST_P256":         {"ECDSA_SHA_256"},
	"ECC_NIST_P384":         {"ECDSA_SHA_384"},
	"ECC_NIST_P521":         {"ECDSA_SHA_512"},
	"ECC_NIST_EDWARDS25519": {"ED25519_PH_SHA_512", "ED25519_SHA_512"},
}

func generate(spec string) (crypto.Signer, error) {
	curve, known := curves[spec]
	switch {
	case !known:
		return nil, fail("UnsupportedOperationException", "the KMS stand-in makes no %s keys", spec)
	case curve == nil:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return ecdsa.GenerateKey(curve, rand.Reader)
}

// store is what a state file holds.
type store struct {
	file    string
	Warning string            `json:"warning"`
	Keys    map[string]*key   `json:"keys"`    // by ID
	Aliases map[string]string `json:"aliases"` // "alias/x" → key ID
}

const warning = "unprotected private keys of a KMS stand-in, for rehearsals and tests only"

func openStore(o Options) (*store, error) {
	s := &store{file: o.StateFile, Warning: warning, Keys: map[string]*key{}, Aliases: map[string]string{}}
	if o.StateFile == "" {
		return s, nil
	}
	data, err := os.ReadFile(o.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the KMS stand-in's state: %w", err)
	}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("read the KMS stand-in's state %s: %w", o.StateFile, err)
	}
	for id, k := range s.Keys {
		private, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
		if err != nil {
			return nil, fmt.Errorf("read the KMS stand-in's state %s: key %s: %w", o.StateFile, id, err)
		}
		signer, ok := private.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("read the KMS stand-in's state %s: key %s cannot sign", o.StateFile, id)
		}
		k.signer = signer
	}
	return s, nil
}

// save replaces the state file as a whole: a reader sees the old state or the
// new one.
func (s *store) save() error {
	if s.file == "" {
		return nil
	}
	data, err := strict.Indented(s)
	if err == nil {
		err = durable.Replace(s.file, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the KMS stand-in's state: %w", err)
	}
	return nil
}

// uuid makes a random UUID (RFC 9562, version 4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newKeyID(multiRegion bool) string {
	if multiRegion {
		return "mrk-" + strings.ReplaceAll(uuid(), "-", "")
	}
	return uuid()
}
