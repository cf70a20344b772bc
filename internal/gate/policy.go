package gate

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Policy says what must hold before an artifact runs. It is one JSON object;
// a Policy that ParsePolicy did not read was not checked.
type Policy struct {
	Schema  string `json:"$schema,omitempty" jsonschema_description:"Where an editor finds the schema; ignored."`
	Version int    `json:"version" jsonschema:"enum=2" jsonschema_description:"Version of this format."`
	Trust   Trust  `json:"trust" jsonschema_description:"Where the trusted root comes from, and which of its services count."`
	// Rule says how many bundles must hold. The default, all, wants one of each
	// kind: a policy with one kind alone has to say so with counts.
	Rule    string     `json:"rule,omitempty" jsonschema:"enum=all,enum=any,enum=counts" jsonschema_description:"all (the default): one bundle by a key and one keyless. any: one bundle of either kind. counts: as many as counts says."`
	Counts  *Counts    `json:"counts,omitempty" jsonschema_description:"With rule counts: how many different keys and identities must have signed."`
	Keys    []Key      `json:"keys,omitempty" jsonschema:"maxItems=8" jsonschema_description:"Signing keys of the application."`
	Keyless []Identity `json:"keyless,omitempty" jsonschema:"maxItems=8" jsonschema_description:"Who may sign with a Fulcio certificate."`
	// Attestations are predicate types. None is admitted unasked: an attestation
	// may as well say that the artifact must not run.
	Attestations []string `json:"attestations,omitempty" jsonschema:"maxItems=8" jsonschema_description:"Predicate types of in-toto attestations that count as signatures of their subject, for instance https://slsa.dev/provenance/v1; what a predicate says is not looked at. Left away, a bundle must sign the artifact itself."`

	name   string // of its file, in messages
	dir    string // that relative paths start from
	digest string // hex SHA-256 of its bytes
}

// Counts are numbers of different signers.
type Counts struct {
	Keys    int `json:"keys,omitempty" jsonschema:"minimum=0,maximum=8" jsonschema_description:"How many of the keys must have signed."`
	Keyless int `json:"keyless,omitempty" jsonschema:"minimum=0,maximum=8" jsonschema_description:"How many of the keyless identities must have signed."`
}

// Trust names the trusted root. Exactly one of File, Cache and Repository is
// set. Relative paths start from the policy's folder.
type Trust struct {
	File       string `json:"file,omitempty" jsonschema_description:"A trusted_root.json."`
	Cache      string `json:"cache,omitempty" jsonschema_description:"The cache folder of a TUF client, with root.json, timestamp.json, snapshot.json and targets.json. Its own root.json is believed, expired metadata is not."`
	Repository string `json:"repository,omitempty" jsonschema_description:"A folder that mirrors the TUF repository."`
	Root       string `json:"root,omitempty" jsonschema_description:"The TUF root.json to start from; with repository only."`

	Own    []string `json:"own,omitempty" jsonschema:"maxItems=8" jsonschema_description:"Domains of your instance, for instance example.com: a service whose URL is in the trusted root under one of them is own, every other is public."`
	Fulcio string   `json:"fulcio,omitempty" jsonschema:"enum=own,enum=public" jsonschema_description:"Whose Fulcio counts; without it, any."`
	Log    string   `json:"log,omitempty" jsonschema:"enum=own,enum=public,enum=both" jsonschema_description:"Whose log counts; both wants an entry in each; without it, any."`
	CT     string   `json:"ct,omitempty" jsonschema:"enum=own,enum=public,enum=both" jsonschema_description:"Whose CT log counts; both wants a timestamp of each; without it, any."`
	Time   string   `json:"time,omitempty" jsonschema:"enum=own,enum=public,enum=both" jsonschema_description:"Whose signed time counts; both wants one of each; without it, any."`

	Witnesses string `json:"witnesses,omitempty" jsonschema_description:"A tlog-policy file (C2SP): the checkpoint of each log entry needs its quorum of witnesses. With repository also target:NAME, for instance target:witness-policies/rekor.txt."`
	Retired   string `json:"retired,omitempty" jsonschema_description:"A retired_logs.json with the last checkpoints of retired logs. With repository it is read from there where this is missing."`
	Tiles     string `json:"tiles,omitempty" jsonschema_description:"A folder with the archived tiles of retired logs, a folder for each by its origin; they tie an older checkpoint to the last one."`
	Untied    string `json:"untied,omitempty" jsonschema:"enum=report,enum=refuse" jsonschema_description:"What happens to an entry of a retired log whose checkpoint is not tied to the last one; report is the default."`

	CRLs   []string `json:"crls,omitempty" jsonschema:"maxItems=8" jsonschema_description:"CRLs (DER) of your root certificates: what a certificate of Fulcio or of a TSA signed from the date of its revocation on, by the signed time, does not count. With repository also target:NAME, for instance target:crls/root.crl. One past its next update is refused."`
	Stolen []Stolen `json:"stolen,omitempty" jsonschema:"maxItems=8" jsonschema_description:"TSAs whose key was stolen: what rests on their time alone needs a log entry from before the theft."`
}

// Key is a pinned public key: in the policy itself, or in a file of the machine
// image, which the digest pins too where it is given.
type Key struct {
	PEM        string `json:"pem,omitempty" jsonschema_description:"The public key in PEM."`
	File       string `json:"file,omitempty" jsonschema_description:"A file with the public key in PEM."`
	SPKISHA256 string `json:"spki_sha256,omitempty" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"Hex SHA-256 of the key's SubjectPublicKeyInfo."`
}

// Identity is who may sign with a Fulcio certificate. Values are compared
// exactly, or are patterns; pattern.go has their grammar.
type Identity struct {
	Issuer   string            `json:"issuer" jsonschema_description:"URL of the identity provider; no pattern."`
	Identity string            `json:"identity" jsonschema_description:"The certificate's one subject alternative name: a URI such as https://github.com/OWNER/REPOSITORY/.github/workflows/release.yml@refs/tags/v* or spiffe://DOMAIN/PATH, an e-mail address, or a user name with an exclamation mark."`
	Claims   map[string]string `json:"claims,omitempty" jsonschema_description:"Further claims by Fulcio's names, for instance sourceRepositoryURI, sourceRepositoryRef, buildTrigger, runnerEnvironment; each must be in the certificate and match."`
}

// maxPolicy bounds a policy, in bytes.
const maxPolicy = 64 << 10

// ReadPolicy reads the policy at path.
func ReadPolicy(path string) (*Policy, error) {
	data, err := courier.ReadFile(path, maxPolicy)
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
	switch {
	case err == nil:
		err = p.check()
	case isFirstVersion(data):
		err = strict.Problems{{Field: "version", Reason: firstVersion}}
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

// firstVersion says how a policy of the format before is written now.
const firstVersion = "1 is no longer read; write 2, make keyless a list, and put its trigger, name, repository and ref under claims as buildTrigger, githubWorkflowName, sourceRepositoryURI (the whole URL) and sourceRepositoryRef"

// isFirstVersion reports whether a policy, which this format cannot read, is one
// of the format before.
func isFirstVersion(data []byte) bool {
	var first struct {
		Version int `json:"version"`
	}
	return json.Unmarshal(data, &first) == nil && first.Version == 1
}

// path returns a file that the policy names.
func (p *Policy) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, name)
}

//go:embed schema.json
var schema []byte

// Schema returns the JSON schema of a policy, made from the Go types: what
// editors complete and check by. It knows forms, not the rules between fields;
// ParsePolicy knows all.
func Schema() []byte { return bytes.Clone(schema) }
