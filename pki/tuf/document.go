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
	"github.com/theupdateframework/go-tuf/v2/metadata"
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
	root      *metadata.Metadata[metadata.RootType]
	targets   *metadata.Metadata[metadata.TargetsType] // of targets and every delegated role
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	timestamp *metadata.Metadata[metadata.TimestampType]

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

// head is what metadata of every role has.
type head struct {
	version    int64
	expires    time.Time
	signatures *[]metadata.Signature
	fields     map[string]any // that the specification does not know
	signed     any
	meta       interface {
		ToBytes(indented bool) ([]byte, error)
	}
}

func headOf[T metadata.Roles](m *metadata.Metadata[T], version int64, expires time.Time, fields map[string]any) head {
	return head{version, expires, &m.Signatures, fields, m.Signed, m}
}

func (d *document) head() head {
	switch {
	case d == nil:
		return head{}
	case d.root != nil:
		return headOf(d.root, d.root.Signed.Version, d.root.Signed.Expires, d.root.Signed.UnrecognizedFields)
	case d.snapshot != nil:
		return headOf(d.snapshot, d.snapshot.Signed.Version, d.snapshot.Signed.Expires, d.snapshot.Signed.UnrecognizedFields)
	case d.timestamp != nil:
		return headOf(d.timestamp, d.timestamp.Signed.Version, d.timestamp.Signed.Expires, d.timestamp.Signed.UnrecognizedFields)
	default:
		return headOf(d.targets, d.targets.Signed.Version, d.targets.Signed.Expires, d.targets.Signed.UnrecognizedFields)
	}
}

// version is 0 for no document.
func (d *document) version() int64     { return d.head().version }
func (d *document) expires() time.Time { return d.head().expires }

// signatures points at the list of signatures.
func (d *document) signatures() *[]metadata.Signature { return d.head().signatures }

// versioned is the version without what it says.
func (d *document) versioned() Version {
	return Version{Role: d.role, Version: d.version(), Expires: d.expires()}
}

// canonical returns the bytes that are signed.
func (d *document) canonical() ([]byte, error) {
	if d.canon != nil {
		return d.canon, nil
	}
	var err error
	if d.canon, err = cjson.EncodeCanonical(d.head().signed); err != nil {
		return nil, fmt.Errorf("encode %s: %w", d.role, err)
	}
	return d.canon, nil
}

// signsLike reports whether two documents sign the same bytes.
func (d *document) signsLike(other *document) (bool, error) {
	mine, err1 := d.canonical()
	theirs, err2 := other.canonical()
	return bytes.Equal(mine, theirs), errors.Join(err1, err2)
}

// encode writes the metadata with its signatures and keeps it as published.
func (d *document) encode() ([]byte, error) {
	var err error
	if d.raw, err = d.head().meta.ToBytes(false); err != nil {
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
