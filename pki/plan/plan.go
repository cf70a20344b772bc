package plan

import (
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// Plan is what should exist. It is read with Parse, which knows every rule;
// a Plan that was not parsed was not checked.
type Plan struct {
	Version      int                   `yaml:"version" json:"version" jsonschema:"enum=1"`
	Organization string                `yaml:"organization" json:"organization"`
	Authorities  map[string]Authority  `yaml:"authorities" json:"authorities"`
	Logs         map[string]Log        `yaml:"logs,omitempty" json:"logs,omitempty"`
	Apps         map[string]App        `yaml:"apps,omitempty" json:"apps,omitempty"`
	Holders      map[string]Holder     `yaml:"holders,omitempty" json:"holders,omitempty"`
	KMS          *KMS                  `yaml:"kms,omitempty" json:"kms,omitempty"` // who may do what with the keys
	TUF          *TUF                  `yaml:"tuf,omitempty" json:"tuf,omitempty"`
	Ceremonies   map[string]Ceremony   `yaml:"ceremonies,omitempty" json:"ceremonies,omitempty"`
	Exceptions   []Exception           `yaml:"exceptions,omitempty" json:"exceptions,omitempty"`
	Include      []Include             `yaml:"include,omitempty" json:"include,omitempty"`           // other people's trusted roots beside our own
	OIDC         []Provider            `yaml:"oidc,omitempty" json:"oidc,omitempty"`                 // identity providers that signers may ask
	CIProviders  map[string]CIProvider `yaml:"ci_providers,omitempty" json:"ci_providers,omitempty"` // how Fulcio reads tokens of CI systems that it has no templates for
	Signing      *Signing              `yaml:"signing,omitempty" json:"signing,omitempty"`           // how signers choose among logs and TSAs
	Witnesses    map[string]Witness    `yaml:"witnesses,omitempty" json:"witnesses,omitempty"`       // who cosign checkpoints, so that a log cannot show two faces
	Publish      *Publish              `yaml:"publish,omitempty" json:"publish,omitempty"`           // what is served beside trusted_root.json
	Rehearsal    *Rehearsal            `yaml:"rehearsal,omitempty" json:"rehearsal,omitempty"`
}

// RootAuthority is the name of the authority that signs all others.
const RootAuthority = "root"

// Authority is one certificate authority or time-stamping authority and every
// generation of its key.
type Authority struct {
	Profile      string       `yaml:"profile" json:"profile" jsonschema:"enum=root,enum=fulcio-ca,enum=tsa,enum=tsa-ca,enum=tsa-leaf,enum=spiffe-ca,enum=other"`
	Issuer       string       `yaml:"issuer,omitempty" json:"issuer,omitempty"` // authority name; empty means root, and nothing for root itself
	Subject      pki.Subject  `yaml:"subject" json:"subject"`
	Validity     pki.Validity `yaml:"validity" json:"validity"`
	Algorithm    string       `yaml:"algorithm" json:"algorithm" jsonschema:"enum=P-256,enum=P-384"`
	URL          string       `yaml:"url,omitempty" json:"url,omitempty"` // Fulcio's base URL, or the TSA's full endpoint
	pki.Settings `yaml:",inline"`
	Token        *TokenKey    `yaml:"token,omitempty" json:"token,omitempty"` // where the root's key lives; only for root
	CRL          *CRL         `yaml:"crl,omitempty" json:"crl,omitempty"`     // only for root: every ceremony at its token issues one
	Generations  []Generation `yaml:"generations" json:"generations"`
}

// Signing says how signers choose among logs and TSAs, and whose services stand
// beside our own.
type Signing struct {
	Rekor   Selection `yaml:"rekor,omitempty" json:"rekor,omitzero"`
	TSA     Selection `yaml:"tsa,omitempty" json:"tsa,omitzero"`
	Include []Include `yaml:"include,omitempty" json:"include,omitempty"` // signing configs of other instances, whose logs and TSAs are offered too
}

// Selection is how many services of a kind a signer uses, one of each operator.
type Selection struct {
	Selector string `yaml:"selector,omitempty" json:"selector,omitempty" jsonschema:"enum=ANY,enum=ALL,enum=EXACT"` // ANY where nothing is said
	Count    int    `yaml:"count,omitempty" json:"count,omitempty"`                                                 // of EXACT
}

// TokenKey is a key in a PIV slot.
type TokenKey struct {
	Slot  string `yaml:"slot" json:"slot" jsonschema:"enum=9c"`                              // hex, "9c"
	PIN   string `yaml:"pin" json:"pin" jsonschema:"enum=once,enum=always"`                  // once, always
	Touch string `yaml:"touch" json:"touch" jsonschema:"enum=never,enum=always,enum=cached"` // never, always, cached
}

// Generation is one key of an authority, log or application. Numbers start at
// 1 and have no holes.
type Generation struct {
	Generation int        `yaml:"generation" json:"generation"`
	Key        string     `yaml:"key,omitempty" json:"key,omitempty"`                                                     // KMS key ARN, or "external" for a CSR made elsewhere
	SPKISHA256 string     `yaml:"spki_sha256,omitempty" json:"spki_sha256,omitempty" jsonschema:"pattern=^[0-9a-f]{64}$"` // hex, 64 digits: the pin
	Ceremony   string     `yaml:"ceremony,omitempty" json:"ceremony,omitempty"`                                           // the ceremony that issues the certificate; authorities only
	Start      *time.Time `yaml:"start,omitempty" json:"start,omitempty"`                                                 // first instant of use; logs only
	NotAfter   *time.Time `yaml:"not_after,omitempty" json:"not_after,omitempty"`                                         // overrides the validity

	Root    int          `yaml:"root,omitempty" json:"root,omitempty"`       // generation of the root that issues it; empty is that of the ceremony's token
	Subject *pki.Subject `yaml:"subject,omitempty" json:"subject,omitempty"` // the root's generations from the second on: two keys never share a name
	Standby bool         `yaml:"standby,omitempty" json:"standby,omitempty"` // a root that nobody trusts until it is promoted
	Origin  string       `yaml:"origin,omitempty" json:"origin,omitempty"`   // of a log from this generation on
	URL     string       `yaml:"url,omitempty" json:"url,omitempty"`         // of a log or a service from this generation on
}

// CRL says how the root lists what it revoked.
type CRL struct {
	NextUpdate Days `yaml:"next_update" json:"next_update"` // after which verifiers want a newer one
	// URL is where the CRL of the root's first generation is served. That of
	// another has its number in the name: root.crl, root-g2.crl.
	URL string `yaml:"url" json:"url"`
}

// Kinds of log.
const (
	RekorV2  = "rekor-v2"
	StaticCT = "static-ct" // TesseraCT
)

// Log is a transparency log and every generation of its checkpoint key.
type Log struct {
	Kind        string       `yaml:"kind" json:"kind" jsonschema:"enum=rekor-v2,enum=static-ct"`
	Origin      string       `yaml:"origin" json:"origin"` // first line of the checkpoint; no scheme, no trailing slash
	URL         string       `yaml:"url" json:"url"`       // base URL
	Algorithm   string       `yaml:"algorithm" json:"algorithm" jsonschema:"enum=P-256"`
	Generations []Generation `yaml:"generations" json:"generations"`
	Submit      bool         `yaml:"submit,omitempty" json:"submit,omitempty"`       // of several CT logs, the one that Fulcio submits to
	Witnesses   []string     `yaml:"witnesses,omitempty" json:"witnesses,omitempty"` // who cosign its checkpoints, names under witnesses
	Quorum      int          `yaml:"quorum,omitempty" json:"quorum,omitempty"`       // how many of them must have
}

// App is a per-application signing key in KMS.
type App struct {
	Algorithm   string       `yaml:"algorithm" json:"algorithm" jsonschema:"enum=P-256,enum=P-384"`
	Generations []Generation `yaml:"generations" json:"generations"`
}

// Holder is a person with a P-256 TUF key in a PIV slot.
type Holder struct {
	Token uint32 `yaml:"token" json:"token"` // serial number of the YubiKey
	Slot  string `yaml:"slot" json:"slot" jsonschema:"pattern=^(9a|9d|9e|8[2-9a-f]|9[0-5])$"`
}

// TUF says who signs the repository and how long each role lives.
type TUF struct {
	URL       string     `yaml:"url,omitempty" json:"url,omitempty"`
	Root      Role       `yaml:"root" json:"root"`
	Targets   Role       `yaml:"targets" json:"targets"`
	Snapshot  OnlineRole `yaml:"snapshot" json:"snapshot"`
	Timestamp OnlineRole `yaml:"timestamp" json:"timestamp"`
	OnlineKey Generation `yaml:"online_key" json:"online_key"` // KMS key of snapshot and timestamp
	// NextOnlineKey is named by root beside OnlineKey and signs nothing yet, so
	// that verifiers know it before it signs.
	NextOnlineKey *Generation `yaml:"next_online_key,omitempty" json:"next_online_key,omitempty"`
	Places        []Place     `yaml:"places,omitempty" json:"places,omitempty"`
}

// Place is where verifiers fetch the repository from. Places are written in the
// order of the plan, the same bytes everywhere.
type Place struct {
	At  string `yaml:"at" json:"at"`   // a folder, relative to the trust directory or absolute, or s3://BUCKET/PREFIX
	For string `yaml:"for" json:"for"` // what it is for, in words
}

// Role is signed by people.
type Role struct {
	Holders   []string `yaml:"holders" json:"holders"`
	Threshold int      `yaml:"threshold" json:"threshold"`
	Expiry    Days     `yaml:"expiry" json:"expiry"`
	Resign    Days     `yaml:"resign" json:"resign"` // re-sign when fewer days are left
}

// OnlineRole is signed by the online key.
type OnlineRole struct {
	Expiry Days `yaml:"expiry" json:"expiry"`
	Resign Days `yaml:"resign" json:"resign"`
}

// Ceremony is one day at the root's token.
type Ceremony struct {
	Day          string    `yaml:"day" json:"day" jsonschema:"format=date"` // 2006-01-02, UTC
	NotBefore    time.Time `yaml:"not_before" json:"not_before"`            // of every certificate issued
	Token        uint32    `yaml:"token" json:"token"`                      // serial number of the root's YubiKey
	Firmware     string    `yaml:"firmware,omitempty" json:"firmware,omitempty" jsonschema:"pattern=^[0-9]+[.][0-9]+[.][0-9]+$"`
	RecordSlot   string    `yaml:"record_slot,omitempty" json:"record_slot,omitempty"`                                         // slot of the record key
	BinarySHA256 string    `yaml:"binary_sha256,omitempty" json:"binary_sha256,omitempty" jsonschema:"pattern=^[0-9a-f]{64}$"` // of the trustroot that runs
	ImageSHA256  string    `yaml:"image_sha256,omitempty" json:"image_sha256,omitempty" jsonschema:"pattern=^[0-9a-f]{64}$"`   // of the ceremony image that the host starts from
	Operators    []string  `yaml:"operators,omitempty" json:"operators,omitempty"`                                             // who confirms the clock
	Witnesses    []string  `yaml:"witnesses,omitempty" json:"witnesses,omitempty"`
	Destroy      bool      `yaml:"destroy,omitempty" json:"destroy,omitempty"` // erases the root's key from the token, and signs nothing but the last CRL
}

// Names of exceptions.
const (
	ExceptionSingleHolder  = "tuf-single-holder"  // a threshold of one for root or targets
	ExceptionOldFirmware   = "old-firmware"       // a root's token below 5.7
	ExceptionImportedRoot  = "imported-root"      // a host-generated root key on several tokens
	ExceptionNetworkedHost = "networked-ceremony" // a ceremony host with a network
)

// Exception is a rule that this plan sets aside, with the reason that a
// reviewer accepted.
type Exception struct {
	Name   string `yaml:"name" json:"name" jsonschema:"enum=tuf-single-holder,enum=old-firmware,enum=imported-root,enum=networked-ceremony"`
	Reason string `yaml:"reason" json:"reason"`
}

// Include is a trusted_root.json of somebody else, whose entries stand beside
// our own: what they signed verifies too.
type Include struct {
	Path   string `yaml:"path" json:"path"`                                         // slash-separated, relative to the trust directory
	SHA256 string `yaml:"sha256" json:"sha256" jsonschema:"pattern=^[0-9a-f]{64}$"` // hex, 64 digits: the pin
}

// Rehearsal marks a plan whose token is virtual.
type Rehearsal struct {
	// AttestationRoots are the PEM certificates that the virtual token's
	// attestations chain to, the self-signed one first, then intermediates.
	AttestationRoots string `yaml:"attestation_roots" json:"attestation_roots"`
}

// Allows reports whether the plan names an exception.
func (p *Plan) Allows(exception string) bool {
	return slices.ContainsFunc(p.Exceptions, func(e Exception) bool { return e.Name == exception })
}

// Days is a whole number of days, written "197d".
type Days int

// Publish says what is served beside trusted_root.json.
type Publish struct {
	Render []string `yaml:"render,omitempty" json:"render,omitempty"` // forms of the trust root for its consumers, under trust/consumers
	Names  []Alias  `yaml:"names,omitempty" json:"names,omitempty"`   // under which people already fetch what is published
}

// Alias is a second path of something that is published.
type Alias struct {
	Built string `yaml:"built" json:"built"` // under trust/ as built: certs/root.crt
	As    string `yaml:"as" json:"as"`       // under trust/ as people fetch it: root-ca.crt
}

// Forms are the names of what `trust render` writes.
var Forms = []string{
	"client-trust-config", "cosign", "flux", "gh", "kyverno", "kyverno-values", "monitor",
	"policy-controller", "policy-controller-repository", "spiffe",
}
