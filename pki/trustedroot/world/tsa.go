package world

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"fmt"
	"time"

	"github.com/digitorus/timestamp"
)

// policy is the one that Sigstore's timestamp-authority states.
var policy = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}

// timestamp returns an RFC 3161 response over a signature.
func (s *Services) timestamp(sig []byte, at time.Time) ([]byte, error) {
	raw, err := timestamp.CreateRequest(bytes.NewReader(sig), &timestamp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		return nil, fmt.Errorf("ask for a timestamp: %w", err)
	}
	request, err := timestamp.ParseRequest(raw)
	if err != nil {
		return nil, fmt.Errorf("ask for a timestamp: %w", err)
	}
	return s.Stamp(request, at)
}

// Stamp answers a query as Sigstore's timestamp-authority does: its certificate
// is in the response where it is asked for.
func (s *Services) Stamp(request *timestamp.Request, at time.Time) ([]byte, error) {
	response := timestamp.Timestamp{
		HashAlgorithm:     request.HashAlgorithm,
		HashedMessage:     request.HashedMessage,
		Nonce:             request.Nonce,
		AddTSACertificate: request.Certificates,
		Time:              at,
		Policy:            policy,
	}
	hash := crypto.SHA256 // the one that KMS signs with under the TSA's key
	if ec, ok := s.TSAKey.Public().(*ecdsa.PublicKey); ok && ec.Curve == elliptic.P384() {
		hash = crypto.SHA384
	}
	out, err := response.CreateResponseWithOpts(s.TSA, s.TSAKey, hash)
	if err != nil {
		return nil, fmt.Errorf("sign the timestamp: %w", err)
	}
	return out, nil
}
