package gate

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
)

// The two kinds of bundle.
const (
	kindKey     = "key"
	kindKeyless = "keyless"
)

// Names of digest algorithms, as in-toto writes them.
const (
	sha256Name = "sha256"
	sha384Name = "sha384"
	sha512Name = "sha512"
)

// maxBundle bounds a bundle, in bytes. Those of signed blobs have about 10 kB.
const maxBundle = 8 << 20

// maxTimestamp bounds an RFC 3161 response, in bytes. It has a few kilobytes;
// pkcs7 goes down one call a level, and megabytes of levels end the program.
const maxTimestamp = 64 << 10

// evidence is one bundle, parsed but not believed.
type evidence struct {
	path   string
	sha256 string // hex, of the file
	kind   string
	label  string // of its checks: the kind, with a number from the second on
	bundle entity
	vc     verify.VerificationContent
	sc     verify.SignatureContent
	stated []verify.ArtifactDigest // digests of the artifact that the bundle speaks of
	// predicate is the type of an attestation, empty for a signature.
	predicate string
}

// entity is a bundle with its log entries, or with one of them: each must hold
// by itself, and beside another one sigstore-go passes over some that do not.
type entity struct {
	*bundle.Bundle
	entries []*tlog.Entry
}

// TlogEntries implements verify.SignedEntity.
func (e entity) TlogEntries() ([]*tlog.Entry, error) { return e.entries, nil }

// Bundle is where a bundle comes from: a file, or the bytes of a referrer.
type Bundle struct {
	Path string
	Data []byte // nil reads the file
}

// read returns the bundle's bytes.
func (b Bundle) read() ([]byte, error) {
	if b.Data != nil {
		return b.Data, nil
	}
	return courier.ReadFile(b.Path, maxBundle)
}

func readEvidence(b Bundle) (*evidence, error) {
	data, err := b.read()
	if err != nil {
		return nil, err
	}
	e, err := parseEvidence(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Path, err)
	}
	e.path = b.Path
	return e, nil
}

// kindOf guesses the kind of a bundle that cannot be read as one: it is broken,
// not missing. Empty is neither.
func kindOf(b Bundle) string {
	data, err := b.read()
	if err != nil {
		return ""
	}
	var loose struct {
		Material struct {
			PublicKey   *json.RawMessage `json:"publicKey"`
			Certificate *json.RawMessage `json:"certificate"`
			Chain       *json.RawMessage `json:"x509CertificateChain"`
		} `json:"verificationMaterial"`
	}
	switch err := json.Unmarshal(data, &loose); {
	case err != nil:
		return ""
	case loose.Material.PublicKey != nil:
		return kindKey
	case loose.Material.Certificate != nil || loose.Material.Chain != nil:
		return kindKeyless
	}
	return ""
}

// parseEvidence reads a bundle's JSON.
func parseEvidence(data []byte) (*evidence, error) {
	e := &evidence{sha256: digest.Hex(data), bundle: entity{Bundle: &bundle.Bundle{}}}
	err := e.bundle.UnmarshalJSON(data)
	if err != nil {
		return nil, fmt.Errorf("no Sigstore bundle: %w", err)
	}
	if e.vc, err = e.bundle.VerificationContent(); err != nil {
		return nil, fmt.Errorf("no Sigstore bundle: %w", err)
	}
	if e.sc, err = e.bundle.SignatureContent(); err != nil {
		return nil, fmt.Errorf("no Sigstore bundle: %w", err)
	}
	if e.bundle.entries, err = e.bundle.Bundle.TlogEntries(); err != nil {
		return nil, fmt.Errorf("no Sigstore bundle: %w", err)
	}
	e.kind = kindKeyless
	if e.vc.Certificate() == nil {
		e.kind = kindKey
	}
	stamps, err := e.bundle.Timestamps()
	if err != nil {
		return nil, fmt.Errorf("no Sigstore bundle: %w", err)
	}
	for _, stamp := range stamps {
		if len(stamp) > maxTimestamp {
			return nil, fmt.Errorf("it holds a timestamp of %d bytes, more than %d", len(stamp), maxTimestamp)
		}
	}
	if err := e.state(); err != nil {
		return nil, err
	}
	return e, nil
}

// state reads the digests that a signature speaks of: one for a signed blob,
// those of every subject for an attestation.
func (e *evidence) state() error {
	if m := e.sc.MessageSignatureContent(); m != nil {
		name := map[int]string{32: sha256Name, 48: sha384Name, 64: sha512Name}[len(m.Digest())]
		if name == "" {
			return fmt.Errorf("it states an artifact digest of %d bytes", len(m.Digest()))
		}
		e.stated = []verify.ArtifactDigest{{Algorithm: name, Digest: m.Digest()}}
		return nil
	}
	envelope := e.sc.EnvelopeContent()
	if envelope == nil {
		return errors.New("it has neither a signature of a blob nor an attestation")
	}
	statement, err := envelope.Statement()
	if err != nil {
		return fmt.Errorf("read its statement: %w", err)
	}
	if e.predicate = statement.GetPredicateType(); e.predicate == "" {
		return errors.New("its statement has no predicate type")
	}
	if len(envelope.RawEnvelope().Signatures) != 1 {
		return errors.New("its envelope must have one signature")
	}
	var stated []verify.ArtifactDigest
	for _, subject := range statement.GetSubject() {
		for _, name := range []string{sha256Name, sha384Name, sha512Name} {
			digest, err := hex.DecodeString(subject.GetDigest()[name])
			if err == nil && len(digest) > 0 {
				stated = append(stated, verify.ArtifactDigest{Algorithm: name, Digest: digest})
			}
		}
	}
	if len(stated) == 0 {
		return errors.New("its statement names no digest that is known here")
	}
	e.stated = stated
	return nil
}

// signatureOnly is cosign's predicate type for the signature of an image: it
// says nothing else about its subject.
const signatureOnly = "https://sigstore.dev/cosign/sign/v1"

// algorithm is the digest by which the artifact is asked for: SHA-256 where the
// bundle states one.
func (e *evidence) algorithm() string {
	if slices.ContainsFunc(e.stated, func(d verify.ArtifactDigest) bool { return d.Algorithm == sha256Name }) {
		return sha256Name
	}
	return e.stated[0].Algorithm
}
