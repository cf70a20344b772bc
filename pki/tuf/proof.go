package tuf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki"
)

// Proof answers a challenge: a public key, the attestation of its token, and a
// signature over both by the key.
type Proof struct {
	Challenge   Challenge `json:"challenge"`
	PublicKey   string    `json:"public_key"`            // PEM
	Attestation []string  `json:"attestation,omitempty"` // PEM, one certificate each; not read here
	Signature   string    `json:"signature"`             // hex, ASN.1 DER ECDSA with SHA-256
}

// proofDomain keeps a proof from being taken for any other signature of the
// key: TUF metadata begins with a brace.
const proofDomain = "trustroot tuf holder proof 1\n"

// digest is what the key signs: the whole proof but for the signature.
func (p Proof) digest() ([]byte, error) {
	p.Signature = ""
	data, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(proofDomain), data...))
	return sum[:], nil
}

// Prove answers a challenge with a P-256 key. attestation is kept as it is, PEM
// by PEM.
func Prove(c *Challenge, key crypto.Signer, attestation []string) (*Proof, error) {
	p, err := prove(c, key, attestation)
	if err != nil {
		return nil, fmt.Errorf("prove the key of %s: %w", c.Holder, err)
	}
	return p, nil
}

func prove(c *Challenge, key crypto.Signer, attestation []string) (*Proof, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	pub, err := CheckKey(key.Public())
	if err != nil {
		return nil, err
	}
	encoded, err := pki.EncodePublicKey(pub)
	if err != nil {
		return nil, err
	}
	p := &Proof{Challenge: *c, PublicKey: string(encoded), Attestation: attestation}
	digest, err := p.digest()
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	p.Signature = hex.EncodeToString(sig)
	_, err = p.check()
	return p, err
}

// check verifies the signature by the proof's own key.
func (p Proof) check() (*ecdsa.PublicKey, error) {
	if err := p.Challenge.check(); err != nil {
		return nil, err
	}
	if len(p.Attestation) > maxAttestations {
		return nil, fmt.Errorf("%d attestation certificates: at most %d", len(p.Attestation), maxAttestations)
	}
	pub, err := pki.ParseAnyPublicKey([]byte(p.PublicKey))
	if err != nil {
		return nil, err
	}
	key, err := CheckKey(pub)
	if err != nil {
		return nil, err
	}
	sig, err := hex.DecodeString(p.Signature)
	if err != nil {
		return nil, errors.New("the signature is not hex")
	}
	digest, err := p.digest()
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(key, digest, sig) {
		return nil, errors.New("the signature is not by this key over this challenge and attestation")
	}
	return key, nil
}

// CheckProof returns the holder that a proof makes, if it answers the admin's
// own copy of the challenge in time. The attestation is for the caller to
// verify against the holder's key.
func CheckProof(c *Challenge, p *Proof, now time.Time) (Holder, error) {
	key, err := p.check()
	switch {
	case err != nil:
	case p.Challenge.Nonce != c.Nonce || p.Challenge.Holder != c.Holder || p.Challenge.Repository != c.Repository || !p.Challenge.Expires.Equal(c.Expires):
		err = errors.New("it answers another challenge")
	case now.After(c.Expires):
		err = fmt.Errorf("the challenge expired on %s", c.Expires.Format(time.RFC3339))
	}
	if err != nil {
		return Holder{}, fault.New(fault.Verification, "invite the holder again", fmt.Errorf("check the proof of %s: %w", strings.TrimSpace(c.Holder), err))
	}
	return Holder{Name: c.Holder, PublicKey: key}, nil
}

// Encode writes the proof as a file.
func (p Proof) Encode() ([]byte, error) { return strict.Indented(p) }

// ParseProof reads what Encode wrote and checks its signature.
func ParseProof(data []byte) (*Proof, error) {
	var p Proof
	if err := readFile(data, maxProof, &p); err != nil {
		return nil, fmt.Errorf("read proof: %w", err)
	}
	if _, err := p.check(); err != nil {
		return nil, fmt.Errorf("read proof: %w", err)
	}
	return &p, nil
}

// CheckAgainst returns an error unless a holder's own copy of a root is one of
// the signed roots that the change builds on. The chain in the folder was
// checked from its first root on, so what Describe says then is the difference
// to what the holder knows to be signed. A first repository builds on nothing
// and cannot be checked this way.
func (s *Staged) CheckAgainst(rootJSON []byte) error {
	err := errors.New("a first repository builds on no root")
	if len(s.roots) > 0 {
		var trusted *document
		if trusted, err = parseDocument(metadata.ROOT, rootJSON); err == nil {
			err = inChain(s.roots, trusted)
		}
	}
	if err != nil {
		return fault.New(fault.Verification, "do not sign; ask the one who staged the change", fmt.Errorf("check %s against your root: %w", s.dir, err))
	}
	return nil
}

// inChain returns an error unless a root says what its version in the chain says.
func inChain(roots []*document, trusted *document) error {
	n := trusted.version()
	i := slices.IndexFunc(roots, func(d *document) bool { return d.version() == n })
	if i < 0 {
		return fmt.Errorf("the root to start from has version %d, the repository has %d versions", n, len(roots))
	}
	if same, err := roots[i].signsLike(trusted); err != nil {
		return err
	} else if !same {
		return fmt.Errorf("the repository's %s is another one than the root to start from", fileName(metadata.ROOT, n))
	}
	return nil
}
