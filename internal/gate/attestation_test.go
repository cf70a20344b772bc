package gate

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// attested is what the application's key says about an artifact.
func (s *scene) attested(predicate string) []byte {
	s.t.Helper()
	const payloadType = "application/vnd.in-toto+json"
	payload := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"sha256":"%x"}}],"predicateType":%q,"predicate":{"result":"FAILED"}}`,
		sha256.Sum256(app), predicate)
	encoded := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
	signature := s.byKey(s.appKey, encoded) // Rekor v2 logs an envelope by its encoding
	digest := sha512.Sum384(encoded)
	signature.sig = s.signDigest(s.appKey, digest[:], crypto.SHA384)
	signature.material.TlogEntries = []*protorekor.TransparencyLogEntry{s.entry(signature)}
	signature.material.TimestampVerificationData = s.stamp(signature.sig)
	data, err := protojson.Marshal(&protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", VerificationMaterial: signature.material,
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{Payload: []byte(payload), PayloadType: payloadType,
			Signatures: []*protodsse.Signature{{Sig: signature.sig}}}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

const testResult = "https://in-toto.io/attestation/test-result/v0.1"

func TestVerify_AttestationIsNoSignature(t *testing.T) {
	s := newScene(t)
	s.write("key.json", s.attested(testResult))
	s.refused("key.attestation")
}

func TestVerify_AttestationThatThePolicyNames(t *testing.T) {
	s := newScene(t)
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	p.Attestations = []string{testResult}
	s.policy(*p)
	s.write("key.json", s.attested(testResult))
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Error(err)
	}
	s.write("key.json", s.attested("https://slsa.dev/provenance/v1"))
	s.refused("key.attestation")
}
