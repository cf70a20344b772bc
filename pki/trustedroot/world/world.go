package world

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// mediaType of the bundles: version 0.3 carries one certificate and no chain.
const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// Services are one generation of every service.
type Services struct {
	Fulcio      *x509.Certificate // the CA's
	FulcioKey   crypto.Signer
	TSA         *x509.Certificate // the leaf's
	TSAKey      crypto.Signer
	CTKey       crypto.Signer // ECDSA P-256
	RekorKey    crypto.Signer
	RekorOrigin string
}

// Signature is what a signer asks the services for.
type Signature struct {
	Artifact []byte
	Identity string        // an https URI, the certificate's subject alternative name
	Issuer   string        // URL of the identity provider that vouched for it
	Key      crypto.Signer // ECDSA P-256, used once
	At       time.Time     // when the services answer
	// Change changes the certificate before it is issued; nil: nothing. What no
	// Fulcio issues is for gates to refuse.
	Change func(*x509.Certificate)
}

// Sign returns a bundle's JSON. The TSA writes the machine's clock into the
// attributes of its signature, whatever At says.
func (s *Services) Sign(sig Signature) ([]byte, error) {
	if s.Fulcio == nil || s.TSA == nil || s.FulcioKey == nil || s.TSAKey == nil || s.CTKey == nil || s.RekorKey == nil {
		return nil, errors.New("a service is missing: a bundle needs Fulcio, TSA, CT log and Rekor")
	}
	if _, ok := sig.Key.Public().(*ecdsa.PublicKey); !ok {
		return nil, fmt.Errorf("the signer's key is %T, not ECDSA", sig.Key.Public())
	}
	cert, err := s.leaf(sig)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(sig.Artifact)
	signature, err := sig.Key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign the artifact: %w", err)
	}
	token, err := s.timestamp(signature, sig.At)
	if err != nil {
		return nil, err
	}
	entry, err := s.logEntry(digest[:], signature, cert)
	if err != nil {
		return nil, err
	}
	return protojson.Marshal(&protobundle.Bundle{
		MediaType: mediaType,
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:     &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: cert}},
			TlogEntries: []*protorekor.TransparencyLogEntry{entry},
			TimestampVerificationData: &protobundle.TimestampVerificationData{
				Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: token}},
			},
		},
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: digest[:]},
			Signature:     signature,
		}},
	})
}
