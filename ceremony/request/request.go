package request

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"regexp"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Request is a request whose files were all checked, each by itself and
// against the others.
type Request struct {
	Path        string // the folder or the tar
	Manifest    Manifest
	Plan        *plan.Plan
	PlanBytes   []byte
	Ledger      *ledger.State
	LedgerBytes []byte
	Items       []Item            // the root first, then by name and generation
	Root        *x509.Certificate // that the items are signed under; nil when the ceremony makes it
	Files       map[string][]byte // every file by its slash-separated path, SHA256SUMS too
}

// Item is one certificate to be signed.
type Item struct {
	Authority  string // name in the plan
	Generation int
	Source     string            // SourceCSR, SourceExternal or SourceToken
	Plan       plan.Authority    // what the plan says of the authority
	Key        plan.Generation   // what the plan says of this key, its pin first
	Spec       pki.Spec          // of the certificate, without public key, issuer and serial number
	CSR        *pki.Request      // nil for SourceToken
	Previous   *x509.Certificate // of the newest earlier generation; nil where there is none
}

// Input is what a request is made from.
type Input struct {
	Ceremony string            // name in the plan
	Sequence int               // one more than the newest in the ledger
	Plan     []byte            // pki.yaml
	Ledger   []byte            // ledger.jsonl
	Created  time.Time         // cut to whole days
	Files    map[string][]byte // request.csr, key.json, root and previous certificates, by slash-separated path
	External []string          // authorities whose request comes from a file; the plan must say so of their keys too
}

// Digest is the SHA-256 of SHA256SUMS: what people compare.
func (r *Request) Digest() [32]byte { return sha256.Sum256(r.Files[SumsFile]) }

// Name is the name of the request's folder: "0001-founding".
func (r *Request) Name() string { return folderName(r.Manifest.Sequence, r.Manifest.Ceremony) }

// Names in a request.
const (
	ManifestFile = "request.json"
	PlanFile     = "pki.yaml"
	LedgerFile   = "ledger.jsonl"
	SumsFile     = courier.SumsFile
)

// limits bound a request, before anything is read.
var limits = courier.Limits{
	Files:  1000,
	Depth:  4,
	File:   1 << 20,
	Total:  32 << 20,
	Larger: map[string]int64{LedgerFile: 16 << 20},
}

// ceremonyForm is the name of a ceremony, as it stands in the folder's name.
var ceremonyForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// maxSequence is the last number that four digits hold.
const maxSequence = 9999

// folderName is the name of a request's folder: "0001-founding".
func folderName(sequence int, ceremony string) string {
	return fmt.Sprintf("%04d-%s", sequence, ceremony)
}
