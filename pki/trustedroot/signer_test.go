package trustedroot

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"math/big"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/digitorus/timestamp"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	formatslog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// signed keeps bundles by what they depend on.
var signed sync.Map

// sign makes a Sigstore bundle as the services of one generation would make it
// at an instant: a Fulcio certificate with an embedded SCT, an RFC 3161
// timestamp, and a Rekor v2 entry with inclusion proof and checkpoint.
func (w *world) sign(t *testing.T, name string, generation int, at time.Time) Bundle {
	t.Helper()
	g := generation - 1
	same := fmt.Sprintf("%s %v %x %x %x %x", name, at, w.fulcio[g].cert.Raw, w.tsa[g].cert.Raw, spki(t, w.rekor[g].Public()), spki(t, w.ct[g].Public()))
	if data, ok := signed.Load(same); ok {
		return Bundle{Name: name, Data: data.([]byte)}
	}
	artifact := []byte("artifact " + name)
	key := fixedKey(t, elliptic.P256(), w.plan.Organization+" signer "+name)
	cert := w.leaf(t, key, g, at)
	digest := sha256.Sum256(artifact)
	sig, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	bundle := &protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:     &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: cert}},
			TlogEntries: []*protorekor.TransparencyLogEntry{w.logEntry(t, g, digest[:], sig, cert)},
			TimestampVerificationData: &protobundle.TimestampVerificationData{
				Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: w.timestamp(t, g, sig, at)}},
			},
		},
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: digest[:]},
			Signature:     sig,
		}},
	}
	data, err := protojson.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	signed.Store(same, data)
	return Bundle{Name: name, Data: data}
}

// leaf returns a code-signing certificate with an SCT over its own body, as
// RFC 6962 3.2 and 3.3 have it: the log signs the TBSCertificate without the
// SCT extension.
func (w *world) leaf(t *testing.T, key fixedSigner, g int, at time.Time) []byte {
	t.Helper()
	ca := w.fulcio[g]
	issue := func(scts ...pkix.Extension) *x509.Certificate {
		der, err := x509.CreateCertificate(nil, &x509.Certificate{
			SerialNumber:    big.NewInt(at.Unix()),
			NotBefore:       at.Add(-time.Minute),
			NotAfter:        at.Add(9 * time.Minute),
			KeyUsage:        x509.KeyUsageDigitalSignature,
			ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
			URIs:            []*url.URL{{Scheme: "https", Host: "ci." + w.plan.Organization, Path: "/build"}},
			ExtraExtensions: scts,
		}, ca.cert, key.Public(), ca.key)
		if err != nil {
			t.Fatalf("issue leaf: %v", err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatalf("issue leaf: %v", err)
		}
		return cert
	}
	tbs := issue().RawTBSCertificate
	issuerHash := sha256.Sum256(ca.cert.RawSubjectPublicKeyInfo)
	when := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	covered := append([]byte{0, 0}, when...)                                         // version 1, certificate_timestamp
	covered = append(covered, 0, 1)                                                  // precert_entry
	covered = append(covered, issuerHash[:]...)                                      //
	covered = append(covered, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs))) // opaque TBSCertificate<1..2^24-1>
	covered = append(covered, tbs...)
	covered = append(covered, 0, 0) // no extensions
	digest := sha256.Sum256(covered)
	log := w.ct[g]
	sig, err := log.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	logID := sha256.Sum256(spki(t, log.Public()))
	sct := append([]byte{0}, logID[:]...)
	sct = append(sct, when...)
	sct = append(sct, 0, 0, 4, 3) // no extensions; sha256, ecdsa
	sct = append(binary.BigEndian.AppendUint16(sct, uint16(len(sig))), sig...)
	list := binary.BigEndian.AppendUint16(nil, uint16(len(sct)+2))
	list = append(binary.BigEndian.AppendUint16(list, uint16(len(sct))), sct...)
	value, err := asn1.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return issue(pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value}).Raw
}

// timestamp returns an RFC 3161 response. The library writes the clock's time
// into the signature's attributes, so the clock is moved to the instant.
func (w *world) timestamp(t *testing.T, g int, sig []byte, at time.Time) []byte {
	t.Helper()
	var out []byte
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at))
		request, err := timestamp.CreateRequest(bytes.NewReader(sig), &timestamp.RequestOptions{Hash: crypto.SHA256})
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := timestamp.ParseRequest(request)
		if err != nil {
			t.Fatal(err)
		}
		response := timestamp.Timestamp{
			HashAlgorithm: parsed.HashAlgorithm,
			HashedMessage: parsed.HashedMessage,
			Time:          at,
			Policy:        asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2},
		}
		out, err = response.CreateResponseWithOpts(w.tsa[g].cert, w.tsa[g].key, crypto.SHA384)
		if err != nil {
			t.Fatal(err)
		}
	})
	return out
}

// logEntry returns a Rekor v2 hashedrekord in a log of this one entry.
func (w *world) logEntry(t *testing.T, g int, digest, sig, cert []byte) *protorekor.TransparencyLogEntry {
	t.Helper()
	entry := &rekortiles.Entry{
		ApiVersion: "0.0.2",
		Kind:       "hashedrekord",
		Spec: &rekortiles.Spec{Spec: &rekortiles.Spec_HashedRekordV002{HashedRekordV002: &rekortiles.HashedRekordLogEntryV002{
			Data: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: digest},
			Signature: &rekortiles.Signature{Content: sig, Verifier: &rekortiles.Verifier{
				KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
				Verifier:   &rekortiles.Verifier_X509Certificate{X509Certificate: &protocommon.X509Certificate{RawBytes: cert}},
			}},
		}}},
	}
	raw, err := protojson.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	body, err := jsoncanonicalizer.Transform(raw)
	if err != nil {
		t.Fatal(err)
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(body)
	key := w.rekor[g]
	hash := crypto.SHA256
	if ec, ok := key.(*ecdsa.PrivateKey); ok && ec.Curve == elliptic.P384() {
		hash = crypto.SHA384 // the only one that KMS signs with
	}
	sv, err := signature.LoadSignerVerifier(key, hash)
	if err != nil {
		t.Fatal(err)
	}
	origin := w.state.Logs["rekor"][g].Log.Origin
	signer, err := rekornote.NewNoteSigner(context.Background(), origin, sv)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := formatslog.Checkpoint{Origin: origin, Size: 1, Hash: leaf}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(checkpoint)}, signer)
	if err != nil {
		t.Fatal(err)
	}
	_, id, err := rekornote.KeyHash(origin, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &protorekor.TransparencyLogEntry{
		LogId:             &protocommon.LogId{KeyId: id},
		KindVersion:       &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		CanonicalizedBody: body,
		InclusionProof: &protorekor.InclusionProof{
			TreeSize: 1, RootHash: leaf,
			Checkpoint: &protorekor.Checkpoint{Envelope: string(signed)},
		},
	}
}
