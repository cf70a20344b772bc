package local

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"slices"
)

// the hash of each signing algorithm. ED25519_SHA_512 hashes inside.
var hashes = map[string]crypto.Hash{
	"ECDSA_SHA_256":      crypto.SHA256,
	"ECDSA_SHA_384":      crypto.SHA384,
	"ECDSA_SHA_512":      crypto.SHA512,
	"ED25519_PH_SHA_512": crypto.SHA512,
	"ED25519_SHA_512":    0,
}

// the longest message that KMS hashes itself, in bytes.
const maxMessage = 4096

type signing struct {
	keyAsked
	Message          []byte
	MessageType      string
	SigningAlgorithm string
	Signature        []byte
	DryRun           bool
}

// prepare does what Sign and Verify share and returns what the key signs.
func prepare(q *query, action string, in signing) (*key, []byte, error) {
	k, err := open(q, action, in.KeyId, map[string]string{
		"kms:SigningAlgorithm": in.SigningAlgorithm,
		"kms:MessageType":      messageType(in.MessageType),
	})
	if err == nil {
		err = q.server.usable(k)
	}
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(algorithms[k.Spec], in.SigningAlgorithm) {
		return nil, nil, fail("InvalidKeyUsageException", "Algorithm %s is incompatible with key spec %s.", in.SigningAlgorithm, k.Spec)
	}
	if in.DryRun {
		return nil, nil, fail("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
	}
	input, err := message(in)
	return k, input, err
}

func messageType(s string) string { return cmp.Or(s, "RAW") }

// message returns the digest, or for ED25519_SHA_512 the message itself.
func message(in signing) ([]byte, error) {
	hash, raw := hashes[in.SigningAlgorithm], messageType(in.MessageType) == "RAW"
	switch {
	case len(in.Message) == 0 || len(in.Message) > maxMessage:
		return nil, errValidation("message of %d bytes: it must have 1 to %d", len(in.Message), maxMessage)
	case raw && in.SigningAlgorithm == "ED25519_PH_SHA_512":
		return nil, errValidation("ED25519_PH_SHA_512 requires MessageType DIGEST")
	case !raw && hash == 0:
		return nil, errValidation("ED25519_SHA_512 requires MessageType RAW")
	case raw && hash == 0:
		return in.Message, nil
	case raw:
		h := hash.New()
		h.Write(in.Message)
		return h.Sum(nil), nil
	case len(in.Message) != hash.Size():
		return nil, errValidation("Digest is invalid length for algorithm %s.", in.SigningAlgorithm)
	}
	return in.Message, nil
}

func sign(q *query, in signing) (any, error) {
	k, input, err := prepare(q, "Sign", in)
	if err != nil {
		return nil, err
	}
	signature, err := k.signer.Sign(rand.Reader, input, hashes[in.SigningAlgorithm])
	if err != nil {
		return nil, err
	}
	return object{"KeyId": q.server.keyARN(k), "Signature": signature, "SigningAlgorithm": in.SigningAlgorithm}, nil
}

func verify(q *query, in signing) (any, error) {
	k, input, err := prepare(q, "Verify", in)
	if err != nil {
		return nil, err
	}
	valid := false
	switch public := k.signer.Public().(type) {
	case *ecdsa.PublicKey:
		valid = ecdsa.VerifyASN1(public, input, in.Signature)
	case ed25519.PublicKey:
		valid = ed25519.VerifyWithOptions(public, input, in.Signature, &ed25519.Options{Hash: hashes[in.SigningAlgorithm]}) == nil
	}
	if !valid {
		return nil, fail("KMSInvalidSignatureException", "")
	}
	return object{"KeyId": q.server.keyARN(k), "SignatureValid": true, "SigningAlgorithm": in.SigningAlgorithm}, nil
}
