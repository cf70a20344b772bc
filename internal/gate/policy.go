package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Policy says what must hold before an artifact runs. It is one JSON object;
// a Policy that ParsePolicy did not read was not checked.
type Policy struct {
	Schema  string  `json:"$schema,omitempty" jsonschema_description:"Where an editor finds the schema; ignored."`
	Version int     `json:"version" jsonschema:"enum=1" jsonschema_description:"Version of this format."`
	Trust   Trust   `json:"trust" jsonschema_description:"Where the trusted root comes from."`
	Keys    []Key   `json:"keys" jsonschema:"minItems=1,maxItems=8" jsonschema_description:"Signing keys of the application; one bundle must be signed by one of them."`
	Keyless Keyless `json:"keyless" jsonschema_description:"Who must have signed the other bundle with a Fulcio certificate."`
	// Attestations are predicate types. None is admitted unasked: an attestation
	// may as well say that the artifact must not run.
	Attestations []string `json:"attestations,omitempty" jsonschema:"maxItems=8" jsonschema_description:"Predicate types of in-toto attestations that count as signatures of their subject, for instance https://slsa.dev/provenance/v1; what a predicate says is not looked at. Left away, a bundle must sign the artifact itself."`

	name   string // of its file, in messages
	dir    string // that relative paths start from
	digest string // hex SHA-256 of its bytes
}

// Trust names the trusted root. Exactly one of File, Cache and Repository is
// set. Relative paths start from the policy's folder.
type Trust struct {
	File       string `json:"file,omitempty" jsonschema_description:"A trusted_root.json."`
	Cache      string `json:"cache,omitempty" jsonschema_description:"The cache folder of a TUF client, with root.json, timestamp.json, snapshot.json and targets.json. Its own root.json is believed, expired metadata is not."`
	Repository string `json:"repository,omitempty" jsonschema_description:"A folder that mirrors the TUF repository."`
	Root       string `json:"root,omitempty" jsonschema_description:"The TUF root.json to start from; with repository only."`
}

// Key is a pinned public key: in the policy itself, or in a file of the machine
// image, which the digest pins too where it is given.
type Key struct {
	PEM        string `json:"pem,omitempty" jsonschema_description:"The public key in PEM."`
	File       string `json:"file,omitempty" jsonschema_description:"A file with the public key in PEM."`
	SPKISHA256 string `json:"spki_sha256,omitempty" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"Hex SHA-256 of the key's SubjectPublicKeyInfo."`
}

// Keyless are the claims of the Fulcio certificate. Identity and Ref may end
// with a star, which stands for one or more characters other than a slash; all
// else is compared exactly.
type Keyless struct {
	Issuer     string `json:"issuer" jsonschema_description:"URL of the identity provider."`
	Identity   string `json:"identity" jsonschema_description:"Subject alternative name, for instance https://github.com/OWNER/REPOSITORY/.github/workflows/release.yml@refs/tags/v*; a star at the end stands for the rest without a slash."`
	Trigger    string `json:"trigger" jsonschema_description:"Event that started the workflow, for instance push."`
	Name       string `json:"name" jsonschema_description:"Name of the workflow."`
	Repository string `json:"repository" jsonschema_description:"OWNER/REPOSITORY."`
	Ref        string `json:"ref" jsonschema_description:"Git reference, for instance refs/tags/v*; a star at the end stands for the rest without a slash."`
}

// maxPolicy bounds a policy, in bytes.
const maxPolicy = 64 << 10

// ReadPolicy reads the policy at path.
func ReadPolicy(path string) (*Policy, error) {
	data, err := readBounded(path, maxPolicy)
	if err != nil {
		return nil, fault.New(fault.Usage, "give the policy's file with --policy", fmt.Errorf("read the policy: %w", err))
	}
	return ParsePolicy(path, data)
}

// ParsePolicy reads a policy and checks every rule. name is its path: messages
// show it, and relative paths start from its folder. The error is
// strict.Problems under fault.Usage.
func ParsePolicy(name string, data []byte) (*Policy, error) {
	sum := sha256.Sum256(data)
	p := &Policy{}
	err := strict.JSON(data, p)
	if err == nil {
		err = p.check()
	}
	if problems, ok := errors.AsType[strict.Problems](err); ok {
		for i := range problems {
			problems[i].File = name
		}
		return nil, fault.New(fault.Usage, "correct the policy; its format is printed by `trustroot verify --schema`", problems)
	}
	if err != nil {
		return nil, err
	}
	p.name, p.dir, p.digest = name, filepath.Dir(name), hex.EncodeToString(sum[:])
	return p, nil
}

// path returns a file that the policy names.
func (p *Policy) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, name)
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}
