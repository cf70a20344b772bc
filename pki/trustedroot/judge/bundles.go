package judge

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/proto"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
)

// Bundle is an archived Sigstore bundle.
type Bundle struct {
	Name string // what messages call it, a file name for instance
	Data []byte // its JSON
	// Key is the public key in PEM of a bundle that was signed by one, for a
	// bundle whose key is on trial too; nil is a bundle with a certificate.
	Key []byte
}

func (b Bundle) read() (*bundle.Bundle, error) {
	if len(b.Data) > maxDocument {
		return nil, fmt.Errorf("larger than %d bytes", maxDocument)
	}
	entity := &bundle.Bundle{}
	err := entity.UnmarshalJSON(b.Data)
	return entity, err
}

// BundleResult says how a bundle stands under a trusted root.
type BundleResult struct {
	Name string `json:"name"`
	// Needs are the JSON paths of the entries without each of which the bundle
	// no longer verifies: what it proves to be right.
	Needs []string `json:"needs"`
	Error string   `json:"error,omitempty"`
}

// Coverage is what a set of bundles shows of a trusted root.
type Coverage struct {
	Bundles []BundleResult `json:"bundles"`
	// Unproven are the JSON paths of the entries that no bundle needs.
	Unproven []string `json:"unproven,omitempty"`
}

// CheckBundles verifies archived bundles under a trusted root with sigstore-go,
// each with one signed certificate timestamp, one log entry and one time that a
// TSA or a Rekor v1 log signed. Who signed is not asked, and the artifact is the one whose
// digest the bundle states: what is on trial is the trusted root. Then each
// entry is taken away in turn, to learn which of them a bundle needs.
//
// The error joins every bundle that does not verify, or that verifies without
// any single log, CA or TSA and so proves nothing; it carries
// fault.Verification. Coverage is returned beside it.
func CheckBundles(trustedRoot []byte, bundles ...Bundle) (Coverage, error) {
	if _, err := Check(trustedRoot); err != nil {
		return Coverage{}, err
	}
	msg, err := root.NewTrustedRootProtobuf(trustedRoot)
	if err != nil {
		return Coverage{}, refused(err)
	}
	var c Coverage
	var problems []error
	proven := map[string]bool{}
	variants, err := withoutEach(msg)
	if err != nil {
		return Coverage{}, err
	}
	whole, err := root.NewTrustedRootFromProtobuf(msg)
	if err != nil {
		return Coverage{}, refused(err)
	}
	for _, b := range bundles {
		result, err := checkBundle(whole, variants, b)
		if err != nil {
			result.Error = err.Error()
			problems = append(problems, fmt.Errorf("bundle %s: %w", b.Name, err))
		}
		for _, path := range result.Needs {
			proven[path] = true
		}
		c.Bundles = append(c.Bundles, result)
	}
	for _, v := range variants {
		if !proven[v.path] {
			c.Unproven = append(c.Unproven, v.path)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return c, fault.New(fault.Verification,
			"Do not publish this file: what was signed before would no longer verify. Compare it with the published one by the diff command.", err)
	}
	return c, nil
}

// ErrNotBlob says that a bundle holds an attestation, not a signature over an
// artifact.
var ErrNotBlob = errors.New("the bundle signs an attestation, not an artifact")

// MessageDigest returns the digest of the artifact that a bundle signs, as
// "sha256:" and hex digits. The error is ErrNotBlob for an attestation.
func MessageDigest(b Bundle) (string, error) {
	entity, err := b.read()
	if err != nil {
		return "", fmt.Errorf("bundle %s: %w", b.Name, err)
	}
	m := entity.GetMessageSignature()
	if m == nil {
		return "", fmt.Errorf("bundle %s: %w", b.Name, ErrNotBlob)
	}
	digest := m.GetMessageDigest().GetDigest()
	return digestAlgorithm(len(digest)) + ":" + hex.EncodeToString(digest), nil
}

// HasTimestamp reports whether a bundle holds the timestamp of a TSA; one of
// Rekor v1 may live on the time that the log promised.
func HasTimestamp(b Bundle) bool {
	entity, err := b.read()
	if err != nil {
		return false
	}
	stamps, err := entity.Timestamps()
	return err == nil && len(stamps) > 0
}

// KeyOf returns the one of these public keys, in PEM, that signed a bundle, or nil
// for a bundle with a certificate and for one that none of them signed.
func KeyOf(b Bundle, keys ...[]byte) []byte {
	entity, err := b.read()
	if err != nil || !byKey(entity) {
		return nil
	}
	by, errV := entity.VerificationContent()
	content, errS := entity.SignatureContent()
	if errV != nil || errS != nil {
		return nil
	}
	for _, key := range keys {
		known, err := keyMaterial(key)
		if err != nil {
			continue
		}
		if m := content.MessageSignatureContent(); m != nil {
			err = verify.VerifySignatureWithArtifactDigests(content, by, known, []verify.ArtifactDigest{{Algorithm: digestAlgorithm(len(m.Digest())), Digest: m.Digest()}})
		} else {
			err = verify.VerifySignature(content, by, known)
		}
		if err == nil {
			return key
		}
	}
	return nil
}

// ByKey reports whether a bundle names a key in place of a certificate.
func ByKey(b Bundle) bool {
	entity, err := b.read()
	return err == nil && byKey(entity)
}

func byKey(entity *bundle.Bundle) bool {
	by, err := entity.VerificationContent()
	return err == nil && by.Certificate() == nil
}

func checkBundle(whole *root.TrustedRoot, variants []variant, b Bundle) (BundleResult, error) {
	result := BundleResult{Name: b.Name}
	entity, err := b.read()
	if err != nil {
		return result, err
	}
	if b.Key == nil && byKey(entity) {
		return result, errors.New("a key signed it, and none that is known here: name its public key with --key, or enter the application's with `trustroot kms export`")
	}
	if err := VerifyBundle(whole, entity, b.Key); err != nil {
		return result, err
	}
	for _, v := range variants {
		if VerifyBundle(v.root, entity, b.Key) != nil {
			result.Needs = append(result.Needs, v.path)
		}
	}
	if len(result.Needs) == 0 {
		return result, errors.New("it verifies whichever entry is taken away, and so proves none of them")
	}
	return result, nil
}

// VerifyBundle verifies a bundle with everything that a Sigstore instance gives
// it; one by a key has no certificate timestamp.
func VerifyBundle(tr root.TrustedMaterial, entity *bundle.Bundle, key []byte) error {
	options := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	who := verify.WithoutIdentitiesUnsafe()
	if key != nil {
		known, err := keyMaterial(key)
		if err != nil {
			return err
		}
		tr, who = root.TrustedMaterialCollection{tr, known}, verify.WithKey()
	} else {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	verifier, err := verify.NewVerifier(tr, options...)
	if err != nil {
		return err
	}
	content, err := entity.SignatureContent()
	if err != nil {
		return err
	}
	artifact := verify.WithoutArtifactUnsafe()
	if m := content.MessageSignatureContent(); m != nil {
		digest := m.Digest()
		artifact = verify.WithArtifactDigest(digestAlgorithm(len(digest)), digest)
	}
	_, err = verifier.Verify(entity, verify.NewPolicy(artifact, who))
	return err
}

// keyMaterial knows one key, whatever hint a bundle gives.
func keyMaterial(data []byte) (root.TrustedMaterial, error) {
	pub, err := pki.ParsePublicKey(data)
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadDefaultVerifier(pub)
	if err != nil {
		return nil, err
	}
	return root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
	}), nil
}

func digestAlgorithm(size int) string {
	switch size {
	case 48:
		return "sha384"
	case 64:
		return "sha512"
	default:
		return "sha256"
	}
}

// variant is a trusted root without one entry.
type variant struct {
	path string // of the entry that is missing
	root *root.TrustedRoot
}

func withoutEach(msg *prototrustroot.TrustedRoot) ([]variant, error) {
	var out []variant
	for _, name := range []string{"tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"} {
		field := msg.ProtoReflect().Descriptor().Fields().ByJSONName(name)
		n := msg.ProtoReflect().Get(field).List().Len()
		for i := range n {
			m := proto.CloneOf(msg)
			list := m.ProtoReflect().Mutable(field).List()
			for j := i + 1; j < n; j++ {
				list.Set(j-1, list.Get(j))
			}
			list.Truncate(n - 1)
			tr, err := root.NewTrustedRootFromProtobuf(m)
			if err != nil {
				return nil, refused(err)
			}
			out = append(out, variant{path: fmt.Sprintf("$.%s[%d]", name, i), root: tr})
		}
	}
	return out, nil
}
