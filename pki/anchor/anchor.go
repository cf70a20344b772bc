package anchor

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
)

// Names of an anchor's files.
const (
	TimestampFile = "statement.tsr"
	BundleFile    = "statement.sigstore.json"
	ChainFile     = "tsa-chain.pem"
	LogKeyFile    = "rekor.pub"
)

// Limits are far above what an anchor holds: an envelope of a few kilobytes, a
// proof and some certificates.
var Limits = courier.Limits{Files: 5, Depth: 1, File: 2 << 20, Total: 4 << 20}

// Subject is what is anchored.
type Subject struct {
	Envelope []byte            // DSSE, its JSON
	Key      *ecdsa.PublicKey  // P-256, whose signature the envelope holds
	Root     *x509.Certificate // that the timestamp must lead to
	Complete time.Time         // when the statement came to be: no timestamp lies before it
}

// Material is what an anchor is made of.
type Material struct {
	Timestamp          []byte // RFC 3161 response over the statement
	SignatureTimestamp []byte // RFC 3161 response over the envelope's signature
	Chain              []*x509.Certificate
	Entry              Entry
	LogKey             *ecdsa.PublicKey
}

// Anchor is what an anchor proves.
type Anchor struct {
	Name   string    `json:"anchor"` // of its folder
	Time   time.Time `json:"existed_by"`
	TSA    string    `json:"tsa"` // common name
	Origin string    `json:"log"` // of the log's checkpoints
	Index  int64     `json:"log_index"`
	Size   int64     `json:"tree_size"`    // of the tree that the checkpoint is about
	LogKey string    `json:"log_key_spki"` // hex SHA-256
	Entry  Entry     `json:"-"`
}

// NameOf names the anchor with a timestamp of this time.
func NameOf(t time.Time) string { return t.UTC().Format("2006-01-02T15-04-05Z") }

// New makes an anchor's files and proves them. Its error names the file that
// does not hold.
func New(s Subject, m Material) (map[string][]byte, *Anchor, error) {
	e, err := readEnvelope(s)
	if err != nil {
		return nil, nil, err
	}
	bundle, err := e.bundle(m.Entry, m.SignatureTimestamp)
	if err != nil {
		return nil, nil, err
	}
	chain, err := pki.EncodeCertificates(m.Chain)
	if err != nil {
		return nil, nil, err
	}
	key, err := pki.EncodePublicKey(m.LogKey)
	if err != nil {
		return nil, nil, err
	}
	files := map[string][]byte{TimestampFile: m.Timestamp, BundleFile: bundle, ChainFile: chain, LogKeyFile: key}
	files[courier.SumsFile] = courier.Sums(files)
	if err := Limits.Check(files); err != nil {
		return nil, nil, err
	}
	a, err := prove(files, s, e)
	return files, a, err
}

// Verify proves the files of an anchor against what they are about. Its error
// names the file that does not hold.
func Verify(name string, files map[string][]byte, s Subject) (*Anchor, error) {
	if err := checkNames(files); err != nil {
		return nil, err
	}
	e, err := readEnvelope(s)
	if err != nil {
		return nil, err
	}
	a, err := prove(files, s, e)
	if err != nil {
		return nil, err
	}
	if a.Name != name {
		return nil, fmt.Errorf("%s: it says %s, which belongs into a folder %s", TimestampFile, a.Time.Format(time.RFC3339), a.Name)
	}
	return a, nil
}

// checkNames wants every file of an anchor, as SHA256SUMS lists it, and no
// other.
func checkNames(files map[string][]byte) error {
	if err := courier.CheckSums(files); err != nil {
		return err
	}
	for _, name := range []string{TimestampFile, BundleFile, ChainFile, LogKeyFile} {
		if _, ok := files[name]; !ok {
			return fmt.Errorf("%s: missing", name)
		}
	}
	if len(files) != 5 {
		return errors.New("SHA256SUMS: lists a file that an anchor has no place for")
	}
	return nil
}

func prove(files map[string][]byte, s Subject, e *envelope) (*Anchor, error) {
	chain, err := readChain(files[ChainFile], s.Root)
	if err != nil {
		return nil, inFile(ChainFile, err)
	}
	at, err := VerifyTimestamp(e.Statement, files[TimestampFile], chain)
	if err != nil {
		return nil, inFile(TimestampFile, err)
	}
	if err := s.checkTime(at); err != nil {
		return nil, inFile(TimestampFile, err)
	}
	entry, token, err := e.readBundle(files[BundleFile])
	if err != nil {
		return nil, inFile(BundleFile, err)
	}
	if _, err := VerifyTimestamp(e.Signature, token, chain); err != nil {
		return nil, inFile(BundleFile, fmt.Errorf("the timestamp over the signature: %w", err))
	}
	key, err := readLogKey(files[LogKeyFile], entry.Origin())
	if err != nil {
		return nil, inFile(LogKeyFile, err)
	}
	if err := entry.check(e, key); err != nil {
		return nil, inFile(BundleFile, err)
	}
	id := key.LogID()
	return &Anchor{
		Name: NameOf(at), Time: at, TSA: chain[0].Subject.CommonName,
		Origin: key.Origin, Index: entry.Index, Size: entry.TreeSize, LogKey: fmt.Sprintf("%x", id), Entry: *entry,
	}, nil
}

// checkTime refuses a timestamp from before there was anything to be about.
func (s Subject) checkTime(at time.Time) error {
	if complete := s.Complete.UTC().Truncate(time.Second); at.Before(complete) {
		return fmt.Errorf("it says %s, and what it is about was complete at %s only: a clock is wrong", at.Format(time.RFC3339), complete.Format(time.RFC3339))
	}
	return nil
}

func inFile(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }

// readLogKey reads a public key in the one form that is written here.
func readLogKey(data []byte, origin string) (checkpoint.Key, error) {
	key, err := checkpoint.Parse(checkpoint.RekorV2, origin, data)
	if err != nil {
		return key, err
	}
	again, err := key.PEM()
	if err == nil && !bytes.Equal(again, data) {
		err = errors.New("not PEM in the form that is written here")
	}
	return key, err
}
