package world

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	formatslog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

// logEntry returns a Rekor v2 hashedrekord in a log of this one entry.
func (s *Services) logEntry(digest, sig, cert []byte) (*protorekor.TransparencyLogEntry, error) {
	raw, err := protojson.Marshal(&rekortiles.Entry{
		ApiVersion: "0.0.2",
		Kind:       "hashedrekord",
		Spec: &rekortiles.Spec{Spec: &rekortiles.Spec_HashedRekordV002{HashedRekordV002: &rekortiles.HashedRekordLogEntryV002{
			Data: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: digest},
			Signature: &rekortiles.Signature{Content: sig, Verifier: &rekortiles.Verifier{
				KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
				Verifier:   &rekortiles.Verifier_X509Certificate{X509Certificate: &protocommon.X509Certificate{RawBytes: cert}},
			}},
		}}},
	})
	if err != nil {
		return nil, fmt.Errorf("write the log entry: %w", err)
	}
	body, err := jsoncanonicalizer.Transform(raw)
	if err != nil {
		return nil, fmt.Errorf("write the log entry: %w", err)
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(body)
	checkpoint, id, err := s.Checkpoint(1, leaf)
	if err != nil {
		return nil, err
	}
	return &protorekor.TransparencyLogEntry{
		LogId:             &protocommon.LogId{KeyId: id},
		KindVersion:       &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		CanonicalizedBody: body,
		InclusionProof: &protorekor.InclusionProof{
			TreeSize: 1, RootHash: leaf,
			Checkpoint: &protorekor.Checkpoint{Envelope: checkpoint},
		},
	}, nil
}

// Checkpoint returns the signed note of a log, and the log's ID.
func (s *Services) Checkpoint(size uint64, hash []byte) (string, []byte, error) {
	signer, err := rekornote.NewNoteSigner(context.Background(), s.RekorOrigin, messages{s.RekorKey})
	if err != nil {
		return "", nil, fmt.Errorf("load Rekor's key: %w", err)
	}
	text := formatslog.Checkpoint{Origin: s.RekorOrigin, Size: size, Hash: hash}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		return "", nil, fmt.Errorf("sign the checkpoint: %w", err)
	}
	_, id, err := rekornote.KeyHash(s.RekorOrigin, s.RekorKey.Public())
	return string(signed), id, err
}

// messages signs whole messages with a key that signs digests.
type messages struct{ crypto.Signer }

// PublicKey implements signature.PublicKeyProvider.
func (m messages) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return m.Public(), nil
}

// SignMessage implements signature.Signer.
func (m messages) SignMessage(message io.Reader, _ ...signature.SignOption) ([]byte, error) {
	data, err := io.ReadAll(message)
	if err != nil {
		return nil, err
	}
	switch key := m.Public().(type) {
	case ed25519.PublicKey:
		return m.Sign(rand.Reader, data, crypto.Hash(0))
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P384() {
			digest := sha512.Sum384(data) // the only one that KMS signs with
			return m.Sign(rand.Reader, digest[:], crypto.SHA384)
		}
	}
	digest := sha256.Sum256(data)
	return m.Sign(rand.Reader, digest[:], crypto.SHA256)
}
