package tuf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

type (
	rootMeta      = metadata.Metadata[metadata.RootType]
	targetsMeta   = metadata.Metadata[metadata.TargetsType]
	snapshotMeta  = metadata.Metadata[metadata.SnapshotType]
	timestampMeta = metadata.Metadata[metadata.TimestampType]
)

// Limits of metadata in bytes: what go-tuf's client takes by default.
const (
	maxRoot      = 512_000
	maxTimestamp = 16_384
	maxSnapshot  = 2_000_000
	maxTargets   = 5_000_000
	maxRotations = 256
)

// limitOf returns the size that clients take of a role's metadata.
func limitOf(role string) int64 {
	switch role {
	case metadata.ROOT:
		return maxRoot
	case metadata.TIMESTAMP:
		return maxTimestamp
	case metadata.SNAPSHOT:
		return maxSnapshot
	default:
		return maxTargets
	}
}

// document is the metadata of one version of one role. Exactly one of the
// pointers is set.
type document struct {
	role      string
	raw       []byte // as published; nil before it is sealed
	root      *rootMeta
	targets   *targetsMeta // of targets and every delegated role
	snapshot  *snapshotMeta
	timestamp *timestampMeta

	canon   []byte      // canonical JSON of the signed part
	dislike func(error) // of a stranger's repository: takes what only our rules refuse
}

// parseDocument reads metadata of a role. It refuses what makes go-tuf panic.
func parseDocument(role string, data []byte) (*document, error) {
	if int64(len(data)) > limitOf(role) {
		return nil, fmt.Errorf("%s metadata of %d bytes: clients take %d", role, len(data), limitOf(role))
	}
	if err := refuseNull(data); err != nil {
		return nil, fmt.Errorf("%s metadata: %w", role, err)
	}
	d := &document{role: role, raw: data}
	var err error
	switch role {
	case metadata.ROOT:
		d.root, err = metadata.Root().FromBytes(data)
	case metadata.SNAPSHOT:
		d.snapshot, err = metadata.Snapshot().FromBytes(data)
	case metadata.TIMESTAMP:
		d.timestamp, err = metadata.Timestamp().FromBytes(data)
		if err == nil && d.timestamp.Signed.Meta["snapshot.json"] == nil {
			err = errors.New("it names no snapshot.json")
		}
	default:
		d.targets, err = metadata.Targets().FromBytes(data)
	}
	if err == nil && d.version() < 1 {
		err = fmt.Errorf("version %d", d.version())
	}
	if err != nil {
		return nil, fmt.Errorf("%s metadata: %w", role, err)
	}
	return d, nil
}

// refuseNull refuses JSON null anywhere: go-tuf keeps pointers in maps and
// follows them unseen.
func refuseNull(data []byte) error {
	if !bytes.Contains(data, []byte("null")) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	// it ends at the end or at a syntax error, which the decoder will name
	for token, err := dec.Token(); err == nil; token, err = dec.Token() {
		if token == nil {
			return fmt.Errorf("null at byte %d where a value is needed", dec.InputOffset())
		}
	}
	return nil
}

func (d *document) version() int64 {
	switch {
	case d.root != nil:
		return d.root.Signed.Version
	case d.snapshot != nil:
		return d.snapshot.Signed.Version
	case d.timestamp != nil:
		return d.timestamp.Signed.Version
	default:
		return d.targets.Signed.Version
	}
}

func (d *document) expires() time.Time {
	switch {
	case d.root != nil:
		return d.root.Signed.Expires
	case d.snapshot != nil:
		return d.snapshot.Signed.Expires
	case d.timestamp != nil:
		return d.timestamp.Signed.Expires
	default:
		return d.targets.Signed.Expires
	}
}

// signatures points at the list of signatures.
func (d *document) signatures() *[]metadata.Signature {
	switch {
	case d.root != nil:
		return &d.root.Signatures
	case d.snapshot != nil:
		return &d.snapshot.Signatures
	case d.timestamp != nil:
		return &d.timestamp.Signatures
	default:
		return &d.targets.Signatures
	}
}

// canonical returns the bytes that are signed.
func (d *document) canonical() ([]byte, error) {
	if d.canon != nil {
		return d.canon, nil
	}
	var err error
	switch {
	case d.root != nil:
		d.canon, err = cjson.EncodeCanonical(d.root.Signed)
	case d.snapshot != nil:
		d.canon, err = cjson.EncodeCanonical(d.snapshot.Signed)
	case d.timestamp != nil:
		d.canon, err = cjson.EncodeCanonical(d.timestamp.Signed)
	default:
		d.canon, err = cjson.EncodeCanonical(d.targets.Signed)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", d.role, err)
	}
	return d.canon, nil
}

// sign lets go-tuf sign and returns the signature that it appended.
func (d *document) sign(s signature.Signer) (*metadata.Signature, error) {
	switch {
	case d.root != nil:
		return d.root.Sign(s)
	case d.snapshot != nil:
		return d.snapshot.Sign(s)
	case d.timestamp != nil:
		return d.timestamp.Sign(s)
	default:
		return d.targets.Sign(s)
	}
}

// encode writes the metadata with its signatures and keeps it as published.
func (d *document) encode() ([]byte, error) {
	var err error
	switch {
	case d.root != nil:
		d.raw, err = d.root.ToBytes(false)
	case d.snapshot != nil:
		d.raw, err = d.snapshot.ToBytes(false)
	case d.timestamp != nil:
		d.raw, err = d.timestamp.ToBytes(false)
	default:
		d.raw, err = d.targets.ToBytes(false)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", d.role, err)
	}
	if int64(len(d.raw)) > limitOf(d.role) {
		return nil, fmt.Errorf("%s metadata takes %d bytes: clients take %d", d.role, len(d.raw), limitOf(d.role))
	}
	return d.raw, nil
}

// fileName is the name of a version's own object: "3.targets.json".
func (d *document) fileName() string { return fileName(d.role, d.version()) }

func fileName(role string, version int64) string {
	return strconv.FormatInt(version, 10) + "." + role + ".json"
}

// parseFileName reads "3.targets.json".
func parseFileName(name string) (role string, version int64, err error) {
	number, rest, _ := strings.Cut(name, ".")
	role, found := strings.CutSuffix(rest, ".json")
	version, err = strconv.ParseInt(number, 10, 64)
	if !found || err != nil || version < 1 || fileName(role, version) != name || !roleName.MatchString(role) {
		return "", 0, fmt.Errorf("%q is not a metadata file name like 3.targets.json", name)
	}
	return role, version, nil
}
