package gate

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/digitorus/timestamp"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"
	formatslog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
)

// world is a Sigstore instance with keys of its own.
type world struct {
	t                            *testing.T
	rootKey, caKey, tsaKey       *ecdsa.PrivateKey // P-384
	ctKey, rekorKey              *ecdsa.PrivateKey // P-256
	rootCert, caCert, tsaCert    *x509.Certificate
	appKey, otherAppKey, leafKey *ecdsa.PrivateKey
	closedKey                    *ecdsa.PrivateKey // of a log that is closed, if there is one
}

const rekorHost = "rekor.example.com"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t,
		rootKey: testpki.Key(t, elliptic.P384()), caKey: testpki.Key(t, elliptic.P384()), tsaKey: testpki.Key(t, elliptic.P384()),
		ctKey: testpki.Key(t, elliptic.P256()), rekorKey: testpki.Key(t, elliptic.P256()),
		appKey: testpki.Key(t, elliptic.P384()), otherAppKey: testpki.Key(t, elliptic.P384()), leafKey: testpki.Key(t, elliptic.P256()),
	}
	w.rootCert = w.authority("Root", w.rootKey, nil, nil, nil)
	w.caCert = w.authority("Fulcio", w.caKey, w.rootCert, w.rootKey, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning})
	w.tsaCert = w.tsaLeaf()
	return w
}

func (w *world) authority(name string, key *ecdsa.PrivateKey, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, use []x509.ExtKeyUsage) *x509.Certificate {
	w.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{Organization: []string{"example.com"}, CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: use,
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	return w.issue(template, parent, key.Public(), parentKey)
}

func (w *world) tsaLeaf() *x509.Certificate {
	w.t.Helper()
	return w.issue(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{Organization: []string{"example.com"}, CommonName: "TSA"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{testpki.Purpose(w.t, testpki.TimeStamping)},
	}, w.rootCert, w.tsaKey.Public(), w.rootKey)
}

func (w *world) issue(template, parent *x509.Certificate, pub any, key *ecdsa.PrivateKey) *x509.Certificate {
	w.t.Helper()
	return testpki.Certify(w.t, template, parent, pub, key)
}

// trustedRoot is the file that verifiers of this world have.
func (w *world) trustedRoot() []byte {
	w.t.Helper()
	start := time.Now().Add(-24 * time.Hour)
	log := func(key *ecdsa.PrivateKey, url string) map[string]*root.TransparencyLog {
		return map[string]*root.TransparencyLog{hex.EncodeToString(logID(w.t, key)): w.logOf(key, url, start)}
	}
	tr, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{Root: w.rootCert, Intermediates: []*x509.Certificate{w.caCert},
			ValidityPeriodStart: start, URI: "https://fulcio.example.com"}},
		log(w.ctKey, "https://ct.example.com"),
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{Root: w.rootCert, Leaf: w.tsaCert,
			ValidityPeriodStart: start, URI: "https://tsa.example.com/api/v1/timestamp"}},
		w.rekorLogs(start))
	if err != nil {
		w.t.Fatal(err)
	}
	data, err := tr.MarshalJSON()
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) logOf(key *ecdsa.PrivateKey, url string, start time.Time) *root.TransparencyLog {
	return &root.TransparencyLog{BaseURL: url, ID: logID(w.t, key), ValidityPeriodStart: start, HashFunc: crypto.SHA256,
		PublicKey: key.Public(), SignatureHashFunc: crypto.SHA256}
}

// rekorLogs are the log, and the one before it where there is one.
func (w *world) rekorLogs(start time.Time) map[string]*root.TransparencyLog {
	logs := map[string]*root.TransparencyLog{hex.EncodeToString(logID(w.t, w.rekorKey)): w.logOf(w.rekorKey, "https://"+rekorHost, start)}
	if w.closedKey != nil {
		l := w.logOf(w.closedKey, "https://"+rekorHost, start)
		l.ValidityPeriodEnd = time.Now().Add(-time.Hour)
		logs[hex.EncodeToString(l.ID)] = l
	}
	return logs
}

func logID(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der := testpki.SPKI(t, key.Public())
	id := sha256.Sum256(der)
	return id[:]
}

// workflow is what a CI job says of itself.
type workflow struct{ issuer, identity, trigger, name, repository, ref string }

func release() workflow {
	return workflow{
		issuer:   "https://token.actions.example.com",
		identity: "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1.2.3",
		trigger:  "push", name: "release", repository: "example/app", ref: "refs/tags/v1.2.3",
	}
}

// extension is one of Fulcio's, with a value as it is.
func extension(arc int, value string) pkix.Extension {
	return pkix.Extension{Id: append(slices.Clone(fulcioArc), arc), Value: []byte(value)}
}

// text is one of Fulcio's newer extensions, a DER string.
func (w *world) text(arc int, value string) pkix.Extension {
	w.t.Helper()
	der, err := asn1.MarshalWithParams(value, "utf8")
	if err != nil {
		w.t.Fatal(err)
	}
	return extension(arc, string(der))
}

// leaf is a certificate as Fulcio issues it to a workflow of GitHub's, with an
// SCT.
func (w *world) leaf(f workflow, notBefore time.Time) *x509.Certificate {
	w.t.Helper()
	identity, err := url.Parse(f.identity)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.certify(notBefore, &x509.Certificate{URIs: []*url.URL{identity}, ExtraExtensions: []pkix.Extension{
		extension(2, f.trigger), extension(4, f.name), extension(5, f.repository), extension(6, f.ref),
		w.text(8, f.issuer), w.text(12, "https://github.com/"+f.repository), w.text(14, f.ref), w.text(20, f.trigger),
	}})
}

// certify issues a certificate with names and extensions of the template.
func (w *world) certify(notBefore time.Time, template *x509.Certificate) *x509.Certificate {
	w.t.Helper()
	issue := func(more ...pkix.Extension) *x509.Certificate {
		c := *template
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(notBefore.UnixNano()), notBefore, notBefore.Add(10*time.Minute)
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		c.ExtraExtensions = slices.Concat(template.ExtraExtensions, more)
		return w.issue(&c, w.caCert, w.leafKey.Public(), w.caKey)
	}
	scts := w.sct(issue().RawTBSCertificate, notBefore)
	return issue(pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: scts})
}

// sct is the SCT list of a certificate body, by RFC 6962 3.2 and 3.3.
func (w *world) sct(tbs []byte, at time.Time) []byte {
	w.t.Helper()
	issuer := sha256.Sum256(w.caCert.RawSubjectPublicKeyInfo)
	when := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	covered := bytes.Join([][]byte{{0, 0}, when, {0, 1}, issuer[:], {byte(len(tbs) >> 16), byte(len(tbs) >> 8), byte(len(tbs))}, tbs, {0, 0}}, nil)
	digest := sha256.Sum256(covered)
	sig := w.signDigest(w.ctKey, digest[:], crypto.SHA256)
	sct := bytes.Join([][]byte{{0}, logID(w.t, w.ctKey), when, {0, 0, 4, 3}, binary.BigEndian.AppendUint16(nil, uint16(len(sig))), sig}, nil)
	list := binary.BigEndian.AppendUint16(nil, uint16(len(sct)+2))
	list = append(binary.BigEndian.AppendUint16(list, uint16(len(sct))), sct...)
	der, err := asn1.Marshal(list)
	if err != nil {
		w.t.Fatal(err)
	}
	return der
}

func (w *world) signDigest(key *ecdsa.PrivateKey, digest []byte, hash crypto.Hash) []byte {
	w.t.Helper()
	sig, err := key.Sign(rand.Reader, digest, hash)
	if err != nil {
		w.t.Fatal(err)
	}
	return sig
}

// signed is one signature over an artifact and what is needed to bundle it.
type signed struct {
	digest   []byte
	hash     protocommon.HashAlgorithm
	sig      []byte
	details  protocommon.PublicKeyDetails
	verifier *rekortiles.Verifier
	material *protobundle.VerificationMaterial
}

// byKey signs as `cosign sign-blob --key` does with a P-384 key in KMS.
func (w *world) byKey(key *ecdsa.PrivateKey, artifact []byte) signed {
	w.t.Helper()
	digest := sha512.Sum384(artifact)
	der := testpki.SPKI(w.t, key.Public())
	details := protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384
	return signed{
		digest: digest[:], hash: protocommon.HashAlgorithm_SHA2_384, sig: w.signDigest(key, digest[:], crypto.SHA384), details: details,
		verifier: &rekortiles.Verifier{KeyDetails: details, Verifier: &rekortiles.Verifier_PublicKey{PublicKey: &rekortiles.PublicKey{RawBytes: der}}},
		material: &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_PublicKey{
			PublicKey: &protocommon.PublicKeyIdentifier{Hint: fmt.Sprintf("%x", sha256.Sum256(der))}}},
	}
}

// keyless signs with a certificate's key.
func (w *world) keyless(cert *x509.Certificate, artifact []byte) signed {
	w.t.Helper()
	digest := sha256.Sum256(artifact)
	details := protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256
	x509Cert := &protocommon.X509Certificate{RawBytes: cert.Raw}
	return signed{
		digest: digest[:], hash: protocommon.HashAlgorithm_SHA2_256, sig: w.signDigest(w.leafKey, digest[:], crypto.SHA256), details: details,
		verifier: &rekortiles.Verifier{KeyDetails: details, Verifier: &rekortiles.Verifier_X509Certificate{X509Certificate: x509Cert}},
		material: &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_Certificate{Certificate: x509Cert}},
	}
}

// entry is the Rekor v2 entry of a signature, in a log of this one.
func (w *world) entry(s signed) *protorekor.TransparencyLogEntry { return w.entryIn(w.rekorKey, s) }

func (w *world) entryIn(key *ecdsa.PrivateKey, s signed) *protorekor.TransparencyLogEntry {
	w.t.Helper()
	raw, err := protojson.Marshal(&rekortiles.Entry{ApiVersion: "0.0.2", Kind: "hashedrekord",
		Spec: &rekortiles.Spec{Spec: &rekortiles.Spec_HashedRekordV002{HashedRekordV002: &rekortiles.HashedRekordLogEntryV002{
			Data:      &protocommon.HashOutput{Algorithm: s.hash, Digest: s.digest},
			Signature: &rekortiles.Signature{Content: s.sig, Verifier: s.verifier},
		}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := jsoncanonicalizer.Transform(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(body)
	signer, err := rekornote.NewNoteSigner(context.Background(), rekorHost, messages{key})
	if err != nil {
		w.t.Fatal(err)
	}
	checkpoint, err := note.Sign(&note.Note{Text: string(formatslog.Checkpoint{Origin: rekorHost, Size: 1, Hash: leaf}.Marshal())}, signer)
	if err != nil {
		w.t.Fatal(err)
	}
	return &protorekor.TransparencyLogEntry{
		LogId: &protocommon.LogId{KeyId: logID(w.t, key)}, KindVersion: &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		CanonicalizedBody: body,
		InclusionProof: &protorekor.InclusionProof{TreeSize: 1, RootHash: leaf,
			Checkpoint: &protorekor.Checkpoint{Envelope: string(checkpoint)}},
	}
}

// stamp is the TSA's answer for a signature.
func (w *world) stamp(sig []byte) *protobundle.TimestampVerificationData {
	w.t.Helper()
	raw, err := timestamp.CreateRequest(bytes.NewReader(sig), &timestamp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		w.t.Fatal(err)
	}
	request, err := timestamp.ParseRequest(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := (&timestamp.Timestamp{HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage,
		Time: time.Now(), Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}}).CreateResponseWithOpts(w.tsaCert, w.tsaKey, crypto.SHA384)
	if err != nil {
		w.t.Fatal(err)
	}
	return &protobundle.TimestampVerificationData{Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: response}}}
}

// bundle joins a signature, its log entry and its timestamp.
func (w *world) bundle(s signed, entry *protorekor.TransparencyLogEntry, stamp *protobundle.TimestampVerificationData, more ...*protorekor.TransparencyLogEntry) []byte {
	w.t.Helper()
	s.material.TlogEntries = nil
	if entry != nil {
		s.material.TlogEntries = append([]*protorekor.TransparencyLogEntry{entry}, more...)
	}
	s.material.TimestampVerificationData = stamp
	data, err := protojson.Marshal(&protobundle.Bundle{
		MediaType:            "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: s.material,
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: s.hash, Digest: s.digest}, Signature: s.sig}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// whole bundles a signature as the services would.
func (w *world) whole(s signed) []byte { return w.bundle(s, w.entry(s), w.stamp(s.sig)) }

// messages signs whole messages with a key that signs digests.
type messages struct{ key *ecdsa.PrivateKey }

func (m messages) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return m.key.Public(), nil
}

func (m messages) SignMessage(message io.Reader, _ ...signature.SignOption) ([]byte, error) {
	data, err := io.ReadAll(message)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(data)
	return m.key.Sign(rand.Reader, digest[:], crypto.SHA256)
}

func pemOf(key *ecdsa.PrivateKey) (string, error) {
	data, err := pki.EncodePublicKey(key.Public())
	return string(data), err
}
