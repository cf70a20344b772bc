package anchor

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
)

// Kind and version of the entries of Rekor v2.
const (
	entryKind    = "hashedrekord"
	entryVersion = "0.0.2"
)

// Entry is an entry of a Rekor v2 log with the proof that it is in it.
type Entry struct {
	Index      int64
	LogID      []byte // SHA-256 of the log's SubjectPublicKeyInfo
	TreeSize   int64
	RootHash   []byte
	Hashes     [][]byte // RFC 6962 2.1.1, from the leaf up
	Checkpoint string   // a signed note (C2SP tlog-checkpoint)
	Body       []byte   // canonicalized
}

// Origin is what the checkpoint calls its log.
func (e *Entry) Origin() string {
	first, _, _ := strings.Cut(e.Checkpoint, "\n")
	return first
}

// check proves that the entry is the envelope's, and in the log of this key.
func (e *Entry) check(of *envelope, key checkpoint.Key) error {
	body, err := of.Body()
	if err != nil {
		return err
	}
	if !bytes.Equal(body, e.Body) {
		return otherEntry(e.Body, of)
	}
	if id := key.LogID(); !bytes.Equal(id[:], e.LogID) {
		return fmt.Errorf("it names the log %x, the key here is that of %x", e.LogID, id)
	}
	cp, err := e.signedCheckpoint(key)
	if err != nil {
		return err
	}
	if e.Index < 0 || e.TreeSize < 1 || cp.Size != uint64(e.TreeSize) || !bytes.Equal(cp.Hash, e.RootHash) {
		return fmt.Errorf("its proof is about a tree of %d entries, its checkpoint about one of %d, or with another hash", e.TreeSize, cp.Size)
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(e.Body)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(e.Index), cp.Size, leaf, e.Hashes, cp.Hash); err != nil {
		return fmt.Errorf("the inclusion proof does not hold: %w", err)
	}
	return nil
}

// signedCheckpoint reads the checkpoint under the log's key.
func (e *Entry) signedCheckpoint(key checkpoint.Key) (*log.Checkpoint, error) {
	v, err := signature.LoadECDSAVerifier(key.Public, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	verifier, err := rekornote.NewNoteVerifier(key.Origin, v)
	if err != nil {
		return nil, err
	}
	cp, _, _, err := log.ParseCheckpoint([]byte(e.Checkpoint), key.Origin, verifier)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint does not hold under %s: %w", LogKeyFile, err)
	}
	return cp, nil
}

// otherEntry says what an entry is about instead.
func otherEntry(body []byte, of *envelope) error {
	var h hashedRekord
	if err := json.Unmarshal(body, &h); err != nil || h.Kind != entryKind || h.APIVersion != entryVersion {
		return fmt.Errorf("the log's entry is not a %s %s", entryKind, entryVersion)
	}
	data, sig := h.Spec.HashedRekord.Data, h.Spec.HashedRekord.Signature
	switch {
	case !bytes.Equal(data.Digest, of.Digest):
		return fmt.Errorf("another entry: the log holds one over the digest %x, the statement's is %x", data.Digest, of.Digest)
	case !bytes.Equal(sig.Content, of.Signature):
		return errors.New("another entry: the log holds another signature over this statement")
	case !bytes.Equal(sig.Verifier.PublicKey.RawBytes, of.SPKI):
		return errors.New("another entry: the log holds the signature under another key")
	}
	return fmt.Errorf("another entry: the log holds %s", courier.Quote(string(body)))
}
