package anchor

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// mediaType of Sigstore's bundles; version 0.3 knows keys by a hint.
const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// bundle is the JSON of Sigstore's bundle (protobuf-specs,
// sigstore_bundle.proto), those fields that an anchor has. The JSON that the
// protobuf library writes differs from run to run; this form does not.
type bundle struct {
	MediaType string `json:"mediaType"`
	Material  struct {
		PublicKey struct {
			Hint string `json:"hint"`
		} `json:"publicKey"`
		Entries    []logEntry `json:"tlogEntries"`
		Timestamps struct {
			RFC3161 []signedTimestamp `json:"rfc3161Timestamps"`
		} `json:"timestampVerificationData"`
	} `json:"verificationMaterial"`
	Envelope dsse.Envelope `json:"dsseEnvelope"`
}

type signedTimestamp struct {
	Response []byte `json:"signedTimestamp"`
}

// logEntry is sigstore_rekor.proto's TransparencyLogEntry.
type logEntry struct {
	Index int64 `json:"logIndex,string"`
	LogID struct {
		KeyID []byte `json:"keyId"`
	} `json:"logId"`
	Type struct {
		Kind    string `json:"kind"`
		Version string `json:"version"`
	} `json:"kindVersion"`
	Proof struct {
		Index      int64    `json:"logIndex,string"`
		RootHash   []byte   `json:"rootHash"`
		TreeSize   int64    `json:"treeSize,string"`
		Hashes     [][]byte `json:"hashes"`
		Checkpoint struct {
			Envelope string `json:"envelope"`
		} `json:"checkpoint"`
	} `json:"inclusionProof"`
	Body []byte `json:"canonicalizedBody"`
}

// bundle writes the one bundle with this envelope, entry and timestamp over
// the signature.
func (e *envelope) bundle(entry Entry, token []byte) ([]byte, error) {
	b := bundle{MediaType: mediaType, Envelope: e.Envelope}
	// the hint names the key; in the envelope Sigstore's clients take a name
	// for the fingerprint of ssh (go-securesystemslib, dsse) and refuse it
	b.Envelope.Signatures = []dsse.Signature{{Sig: e.Signatures[0].Sig}}
	b.Material.PublicKey.Hint = e.Signatures[0].KeyID
	b.Material.Entries = []logEntry{entry.json()}
	b.Material.Timestamps.RFC3161 = []signedTimestamp{{token}}
	data, err := strict.Indented(b)
	if err != nil {
		return nil, fmt.Errorf("write the bundle: %w", err)
	}
	return data, nil
}

// readBundle reads a bundle that is the envelope's in the form that is written
// here, so that no byte of it can be another.
func (e *envelope) readBundle(data []byte) (entry *Entry, token []byte, err error) {
	var b bundle
	if err := strict.JSON(data, &b); err != nil {
		return nil, nil, err
	}
	if len(b.Material.Entries) != 1 || len(b.Material.Timestamps.RFC3161) != 1 {
		return nil, nil, errors.New("not one log entry and one timestamp")
	}
	if b.Envelope.Payload != e.Payload || len(b.Envelope.Signatures) != 1 || b.Envelope.Signatures[0].Sig != e.Signatures[0].Sig {
		return nil, nil, errors.New("it holds another envelope than the record key's")
	}
	entry, token = b.Material.Entries[0].entry(), b.Material.Timestamps.RFC3161[0].Response
	again, err := e.bundle(*entry, token)
	if err == nil && !bytes.Equal(again, data) {
		err = errors.New("not a bundle in the form that is written here")
	}
	return entry, token, err
}

func (e Entry) json() logEntry {
	var l logEntry
	l.Index, l.Proof.Index = e.Index, e.Index
	l.LogID.KeyID = e.LogID
	l.Type.Kind, l.Type.Version = entryKind, entryVersion
	l.Proof.RootHash, l.Proof.TreeSize = e.RootHash, e.TreeSize
	l.Proof.Hashes = append([][]byte{}, e.Hashes...)
	l.Proof.Checkpoint.Envelope = e.Checkpoint
	l.Body = e.Body
	return l
}

func (l logEntry) entry() *Entry {
	return &Entry{
		Index: l.Index, LogID: l.LogID.KeyID, TreeSize: l.Proof.TreeSize, RootHash: l.Proof.RootHash,
		Hashes: l.Proof.Hashes, Checkpoint: l.Proof.Checkpoint.Envelope, Body: l.Body,
	}
}
