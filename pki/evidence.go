package pki

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// MaxEvidence bounds a key.json in bytes.
const MaxEvidence = 64 << 10

// KeyEvidence is key.json: what KMS said of a key, when, and to whom. KMS does
// not attest where a key was made, so this is testimony of the admin host; what
// binds it is the pin of the SPKI in the plan.
type KeyEvidence struct {
	ARN        string         `json:"arn"`
	Describe   KeyDescription `json:"describe_key"`
	PublicKey  string         `json:"public_key"`  // PEM, SubjectPublicKeyInfo
	SPKISHA256 string         `json:"spki_sha256"` // hex
	Time       time.Time      `json:"time"`        // UTC, seconds
	Caller     string         `json:"caller,omitempty"`
}

// KeyDescription is what DescribeKey said, in the API's words.
type KeyDescription struct {
	Alias             string     `json:"alias,omitempty"` // that the key was asked for by
	Description       string     `json:"description,omitempty"`
	Spec              string     `json:"key_spec"`
	Usage             string     `json:"key_usage"`
	Origin            string     `json:"origin"`
	State             string     `json:"key_state"`
	Manager           string     `json:"key_manager,omitempty"`
	MultiRegion       bool       `json:"multi_region"`
	Created           time.Time  `json:"creation_date,omitzero"`
	DeletionDate      *time.Time `json:"deletion_date,omitempty"`
	SigningAlgorithms []string   `json:"signing_algorithms"`
}

// Marshal writes key.json: indented, fields in the order of the type, a
// newline at the end.
func (e KeyEvidence) Marshal() ([]byte, error) {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode key evidence: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseKeyEvidence reads a key.json of at most MaxEvidence bytes in the form
// that Marshal writes, and no other: an unknown field or another order would
// let its maker choose the words of a request. What it says is not checked.
func ParseKeyEvidence(data []byte) (KeyEvidence, error) {
	var e KeyEvidence
	if len(data) > MaxEvidence {
		return e, fmt.Errorf("key evidence: %d bytes are more than the %d that are read", len(data), MaxEvidence)
	}
	if err := strict.JSON(data, &e); err != nil {
		return KeyEvidence{}, fmt.Errorf("key evidence: %w", err)
	}
	again, err := e.Marshal()
	if err == nil && !bytes.Equal(again, data) {
		err = fmt.Errorf("key evidence: not in the form that key.json is written in")
	}
	if err != nil {
		return KeyEvidence{}, err
	}
	return e, nil
}
