package services

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	formatslog "github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// fakeFulcio answers as fulcio v1.8.8 does over its gateway.
type fakeFulcio struct {
	t       testing.TB
	chain   []*x509.Certificate
	issuers []string
	says    map[string]any // beside what it usually says of a provider
	// audience is sigstore where it is empty
	audience string
}

func (f *fakeFulcio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api/v2/trustBundle":
		var certificates []string
		for _, c := range f.chain {
			data, err := pki.EncodeCertificate(c)
			if err != nil {
				f.t.Error(err)
			}
			certificates = append(certificates, string(data))
		}
		json.NewEncoder(w).Encode(map[string]any{"chains": []any{map[string]any{"certificates": certificates}}})
	case "/api/v2/configuration":
		issuers := []any{}
		for _, i := range f.issuers {
			said := map[string]any{"issuerUrl": i, "audience": cmp.Or(f.audience, "sigstore"), "challengeClaim": "email", "spiffeTrustDomain": "",
				"issuerType": "email", "subjectDomain": "", "skipEmailVerification": false}
			maps.Copy(said, f.says)
			issuers = append(issuers, said)
		}
		json.NewEncoder(w).Encode(map[string]any{"issuers": issuers})
	default:
		http.Error(w, `{"code":5,"message":"Not Found","details":[]}`, http.StatusNotFound)
	}
}

// fakeTSA answers as timestamp-authority v2.1.3 does.
type fakeTSA struct {
	t     testing.TB
	chain []*x509.Certificate
	cert  *x509.Certificate // nil: the chain's first
	key   *ecdsa.PrivateKey
	hash  crypto.Hash
	clock time.Duration // how far it is ahead
	nonce bool          // whether it leaves the nonce out
}

// kmsSigner signs digests of its curve's size only, as KMS does.
type kmsSigner struct{ *ecdsa.PrivateKey }

func (k kmsSigner) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if len(digest) != k.Params().BitSize/8 {
		return nil, errors.New("digest is invalid length for the signing algorithm")
	}
	return k.PrivateKey.Sign(r, digest, opts)
}

func (f *fakeTSA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v1/timestamp/certchain" {
		data, err := pki.EncodeCertificates(f.chain)
		if err != nil {
			f.t.Error(err)
		}
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(data)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/api/v1/timestamp" || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "no such thing", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	request, err := timestamp.ParseRequest(body)
	if err != nil || !request.Certificates || request.Nonce == nil || request.HashAlgorithm != crypto.SHA256 {
		f.t.Errorf("request %+v: %v", request, err)
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	ts := timestamp.Timestamp{HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage, Time: time.Now().UTC().Add(f.clock),
		Nonce: request.Nonce, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, Accuracy: time.Second, AddTSACertificate: request.Certificates}
	if f.nonce {
		ts.Nonce = nil
	}
	cert := f.cert
	if cert == nil {
		cert = f.chain[0]
	}
	answer, err := ts.CreateResponseWithOpts(cert, kmsSigner{f.key}, f.hash)
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"code":500,"message":"Error generating timestamp response"}`+"\n")
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.WriteHeader(http.StatusCreated)
	w.Write(answer)
}

// fakeLog answers as rekor-tiles v2.3.0 or tesseract v0.1.1 does, with its
// storage served under the same URL.
type fakeLog struct {
	t       testing.TB
	kind    string
	origin  string
	key     *ecdsa.PrivateKey
	roots   []*x509.Certificate
	noReads bool // nobody serves the storage
	// what a proxy does not let through
	noHealth, noWrites bool
	age                time.Duration
	cosign             func(checkpoint []byte) []byte // what witnesses make of it
}

func (f *fakeLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case f.kind == plan.RekorV2 && path == "/healthz":
		if f.noHealth {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `{"status":"SERVING"}`)
	case f.kind == plan.RekorV2 && path == "/api/v2/log/entries" && r.Method == http.MethodGet && !f.noWrites:
		http.Error(w, `{"code":12, "message":"Method Not Allowed", "details":[]}`, http.StatusNotImplemented)
	case f.kind == plan.RekorV2 && path == "/api/v2/checkpoint" && f.noReads:
		http.Error(w, `{"code":12, "message":"method GetCheckpoint not implemented", "details":[]}`, http.StatusNotImplemented)
	case f.kind == plan.RekorV2 && path == "/api/v2/checkpoint", f.kind == plan.StaticCT && path == "/2026/checkpoint" && !f.noReads:
		data := f.checkpoint()
		if f.cosign != nil {
			data = f.cosign(data)
		}
		w.Write(data)
	case f.kind == plan.StaticCT && path == "/2026/ct/v1/get-roots":
		certificates := [][]byte{}
		for _, c := range f.roots {
			certificates = append(certificates, c.Raw)
		}
		json.NewEncoder(w).Encode(map[string]any{"certificates": certificates})
	case strings.Contains(path, "add-") || r.Method != http.MethodGet:
		f.t.Errorf("a check writes to a log: %s %s", r.Method, path)
	default:
		http.NotFound(w, r)
	}
}

// checkpoint is signed as the log itself does: Rekor with a note signer,
// TesseraCT over an RFC 6962 tree head (tesseract internal/ct/signatures.go).
func (f *fakeLog) checkpoint() []byte {
	root := sha256.Sum256([]byte("a tree"))
	text := formatslog.Checkpoint{Origin: f.origin, Size: 7, Hash: root[:]}.Marshal()
	var signer note.Signer = &treeHeadSigner{f, root}
	if f.kind == plan.RekorV2 {
		loaded, err := signature.LoadECDSASigner(f.key, crypto.SHA256)
		if err != nil {
			f.t.Fatal(err)
		}
		if signer, err = rekornote.NewNoteSigner(context.Background(), f.origin, loaded); err != nil {
			f.t.Fatal(err)
		}
	}
	data, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		f.t.Fatal(err)
	}
	return data
}

type treeHeadSigner struct {
	log  *fakeLog
	root [sha256.Size]byte
}

func (s *treeHeadSigner) Name() string { return s.log.origin }

func (s *treeHeadSigner) KeyHash() uint32 {
	spki := testpki.SPKI(s.log.t, s.log.key.Public())
	id := sha256.Sum256(spki)
	sum := sha256.Sum256(append([]byte(s.log.origin+"\n\x05"), id[:]...))
	return binary.BigEndian.Uint32(sum[:])
}

func (s *treeHeadSigner) Sign([]byte) ([]byte, error) {
	at := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-s.log.age).UnixMilli()))
	head := append([]byte{0, 1}, at...) // version 1, tree_hash
	head = append(binary.BigEndian.AppendUint64(head, 7), s.root[:]...)
	digest := sha256.Sum256(head)
	sig, err := ecdsa.SignASN1(rand.Reader, s.log.key, digest[:])
	if err != nil {
		return nil, err
	}
	out := append(bytes.Clone(at), 4, 3) // sha256, ecdsa
	return append(binary.BigEndian.AppendUint16(out, uint16(len(sig))), sig...), nil
}
