package trustedroot

import (
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/transparency-dev/merkle/rfc6962"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
	sigstore "github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// Where the entry stands in the public log: its index counts the trees before
// this one too, the proof's index this tree alone.
const (
	v1Host   = "rekor.sigstore.dev"
	v1Tree   = "1193050959916656506"
	v1Before = 25579
	v1Index  = 1
)

// publicV1Key is that of publicShape's Rekor v1 log.
func publicV1Key(t *testing.T) testpki.Fixed {
	t.Helper()
	return testpki.FixedKey(t, elliptic.P256(), "public rekor")
}

// signV1 makes a bundle as clients made it before Rekor v2: the log's own signed
// time stands in place of a TSA's.
func (w *world) signV1(t *testing.T, name string, s *sigstore.Services, log crypto.Signer, at time.Time) judge.Bundle {
	t.Helper()
	b := openBundle(t, w.signBy(t, name, s, at))
	body := v1Body(t, b)
	material := b.VerificationMaterial
	material.TlogEntries = []*protorekor.TransparencyLogEntry{v1Entry(t, log, body, at)}
	material.TimestampVerificationData = nil
	return judge.Bundle{Name: name, Data: closeBundle(t, b)}
}

// v1Body is the entry of kind hashedrekord 0.0.1 for what a bundle holds.
func v1Body(t *testing.T, b *protobundle.Bundle) []byte {
	t.Helper()
	type object = map[string]any
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.VerificationMaterial.GetCertificate().RawBytes})
	message := b.GetMessageSignature()
	return canonicalJSON(t, object{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": object{
		"data":      object{"hash": object{"algorithm": "sha256", "value": hex.EncodeToString(message.MessageDigest.Digest)}},
		"signature": object{"content": message.Signature, "publicKey": object{"content": cert}},
	}})
}

// v1Entry is what Rekor v1 answers: the promise, which is its signature over the
// entry and the time (SignedEntryTimestamp), and a proof in a tree of two.
func v1Entry(t *testing.T, log crypto.Signer, body []byte, at time.Time) *protorekor.TransparencyLogEntry {
	t.Helper()
	id := sha256.Sum256(testpki.SPKI(t, log.Public()))
	promised := canonicalJSON(t, map[string]any{
		"body": body, "integratedTime": at.Unix(), "logID": hex.EncodeToString(id[:]), "logIndex": v1Before + v1Index,
	})
	first := rfc6962.DefaultHasher.HashLeaf([]byte("the entry before"))
	tree := rfc6962.DefaultHasher.HashChildren(first, rfc6962.DefaultHasher.HashLeaf(body))
	note := fmt.Sprintf("%s - %s\n2\n%s\n", v1Host, v1Tree, base64.StdEncoding.EncodeToString(tree))
	signature := append(id[:4:4], signDigest(t, log, []byte(note))...)
	return &protorekor.TransparencyLogEntry{
		LogIndex:          v1Before + v1Index,
		LogId:             &protocommon.LogId{KeyId: id[:]},
		KindVersion:       &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.1"},
		IntegratedTime:    at.Unix(),
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: signDigest(t, log, promised)},
		CanonicalizedBody: body,
		InclusionProof: &protorekor.InclusionProof{
			LogIndex: v1Index, TreeSize: 2, RootHash: tree, Hashes: [][]byte{first},
			Checkpoint: &protorekor.Checkpoint{
				Envelope: fmt.Sprintf("%s\n— %s %s\n", note, v1Host, base64.StdEncoding.EncodeToString(signature)),
			},
		},
	}
}

func signDigest(t *testing.T, key crypto.Signer, message []byte) []byte {
	t.Helper()
	if _, ok := key.(sha384Of); ok {
		digest := sha512.Sum384(message)
		signature, err := key.Sign(nil, digest[:], crypto.SHA384)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	digest := sha256.Sum256(message)
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// canonicalJSON writes bytes in base64, and the whole as RFC 8785 says.
func canonicalJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	data, err = jsoncanonicalizer.Transform(data)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func openBundle(t *testing.T, b judge.Bundle) *protobundle.Bundle {
	t.Helper()
	out := &protobundle.Bundle{}
	if err := protojson.Unmarshal(b.Data, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func closeBundle(t *testing.T, b *protobundle.Bundle) []byte {
	t.Helper()
	data, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
