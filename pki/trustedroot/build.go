package trustedroot

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Names of the TUF targets that Sigstore clients ask for.
const (
	TargetTrustedRoot   = "trusted_root.json"
	TargetSigningConfig = "signing_config.v0.2.json"
)

// MediaType is the only media type of a trusted root that sigstore-go,
// sigstore-python and sigstore-java all accept.
const MediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"

// Build returns trusted_root.json: every generation of every Fulcio CA, TSA,
// Rekor v2 log and CT log that the ledger knows, ascending by start and then
// by key ID, as canonical JSON with a newline at the end. URLs of authorities
// come from the plan; certificates and keys are read from files, the root of
// the trust directory, and must have the digests that the ledger states.
//
// Other people's trusted roots stand beside our own entries: each of includes is
// the content of a trusted_root.json, whose digest the caller has compared with
// its pin. An entry that stands in several files with the same content is
// written once; a log key that stands there with different content is refused.
//
// The error joins every problem found and carries fault.Verification.
func Build(p *plan.Plan, s *ledger.State, files fs.FS, includes ...[]byte) ([]byte, error) {
	b := &builder{plan: p, state: s, files: files, keys: map[string]string{}}
	b.root.MediaType = MediaType
	if p.Organization != s.Organization {
		b.problem("organization: the plan says %q, the ledger %q", p.Organization, s.Organization)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Logs)) {
		b.addLog(name, s.Logs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Authorities)) {
		b.addAuthority(name, s.Authorities[name])
	}
	if b.empty() && len(b.problems) == 0 {
		b.problem("the ledger holds no log, Fulcio CA or TSA yet")
	}
	for i, data := range includes {
		if err := b.include(data); err != nil {
			b.problem("include %d: %w", i+1, err)
		}
	}
	if err := errors.Join(b.problems...); err != nil {
		return nil, fault.New(fault.Verification,
			"Plan, ledger and the files of the trust directory must agree: restore the files from git, or record what is missing, then build again.",
			fmt.Errorf("build %s: %w", TargetTrustedRoot, err))
	}
	sortEntries(&b.root)
	data, err := encode(&b.root)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", TargetTrustedRoot, err)
	}
	if _, err := parse(data); err != nil {
		return nil, fmt.Errorf("build %s: %w", TargetTrustedRoot, err)
	}
	return data, nil
}

// builder collects entries and problems of one build.
type builder struct {
	plan     *plan.Plan
	state    *ledger.State
	files    fs.FS
	root     prototrustroot.TrustedRoot
	keys     map[string]string // hex SHA-256 of an SPKI → who uses it
	problems []error
}

func (b *builder) problem(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf(format, args...))
}

func (b *builder) empty() bool {
	return len(b.root.Tlogs)+len(b.root.Ctlogs)+len(b.root.CertificateAuthorities)+len(b.root.TimestampAuthorities) == 0
}

// claim notes that a key is used by a log or authority. The generations of one
// authority may share a key, since a certificate can be renewed over it; logs
// never may, since a log ID is nothing but the digest of the key.
func (b *builder) claim(digest, owner string) error {
	if other, ok := b.keys[digest]; ok && other != owner {
		return fmt.Errorf("its key is the key of %s too", other)
	}
	b.keys[digest] = owner
	return nil
}

// include adds the entries of another trusted root.
func (b *builder) include(data []byte) error {
	other, err := parse(data)
	if err != nil {
		return err
	}
	var problems []error
	add := func(list *[]*prototrustroot.TransparencyLogInstance, logs []*prototrustroot.TransparencyLogInstance) {
		for _, l := range logs {
			if err := mergeLog(list, l); err != nil {
				problems = append(problems, err)
			}
		}
	}
	add(&b.root.Tlogs, other.GetTlogs())
	add(&b.root.Ctlogs, other.GetCtlogs())
	b.root.CertificateAuthorities = mergeAuthorities(b.root.CertificateAuthorities, other.GetCertificateAuthorities())
	b.root.TimestampAuthorities = mergeAuthorities(b.root.TimestampAuthorities, other.GetTimestampAuthorities())
	return errors.Join(problems...)
}

// keyDetails is the signature algorithm of every checkpoint key built here.
const keyDetails = protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256

// Derive returns the trusted_root.json of ledger and plan: their own entries,
// those of the files that the plan includes, and those that were published
// without the ledger and kept, without the keys that a compromise took out.
// files is the trust directory.
func Derive(p *plan.Plan, s *ledger.State, files fs.FS) ([]byte, error) {
	includes, err := readPlanned(files, p.Include)
	if err != nil {
		return nil, err
	}
	pins := make([]ledger.File, len(s.Incidents))
	for i, in := range s.Incidents {
		pins[i] = in.File
	}
	kept, err := ReadIncludes(files, pins)
	if err != nil {
		return nil, err
	}
	for i := range kept {
		if kept[i], err = WithoutKeys(kept[i], s.LeftKeys()...); err != nil {
			return nil, err
		}
	}
	return Build(p, s, files, slices.Concat(includes, kept)...)
}

// DeriveSigningConfig returns the signing config of ledger and plan, with the
// logs and TSAs of the files that the plan includes for signers.
func DeriveSigningConfig(p *plan.Plan, s *ledger.State, files fs.FS) ([]byte, error) {
	if p.Signing == nil {
		return BuildSigningConfig(p, s)
	}
	includes, err := readPlanned(files, p.Signing.Include)
	if err != nil {
		return nil, err
	}
	return BuildSigningConfig(p, s, includes...)
}

func readPlanned(files fs.FS, includes []plan.Include) ([][]byte, error) {
	pins := make([]ledger.File, len(includes))
	for i, in := range includes {
		pins[i] = ledger.File{Path: in.Path, SHA256: in.SHA256}
	}
	return ReadIncludes(files, pins)
}
