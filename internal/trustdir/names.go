package trustdir

import (
	"fmt"
	"strconv"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Names in a trust directory.
const (
	PlanFile   = "pki.yaml"
	LedgerFile = "ledger.jsonl"
)

// Files under trust/, laid out as a web server serves them.
const (
	TrustedRootFile   = "trust/.well-known/trusted_root.json"
	SigningConfigFile = "trust/.well-known/signing-config.json"
	PortalFile        = "trust/index.html"
)

// RepositoryDir is the repository as published, in the trust directory.
const RepositoryDir = "tuf"

// InvitationOf is the page that a holder is sent, with the challenge in it.
func InvitationOf(name string) string { return name + ".md" }

// StagedDir is the folder of changes that wait for signatures.
const StagedDir = "staged"

// PlacesFile keeps what was read back in every place of the repository.
const PlacesFile = "places.json"

// BundlesDir holds archived bundles, a folder a set of generations: what any
// new trusted root must still verify.
const BundlesDir = "bundles"

// LedgerHeadTarget is the target that carries the ledger's head, so that a
// ledger that was cut or rewritten later is found out.
const LedgerHeadTarget = "ledger-head.json"

// RetiredLogsTarget is the target with the last checkpoints of retired logs.
const RetiredLogsTarget = "retired_logs.json"

// Files of a certification request.
const (
	CsrFile      = "request.csr"
	EvidenceFile = "key.json"
)

// Files of a public key.
const (
	PublicFile   = "key.pem"
	VerifierFile = "vkey"
	// LastCheckpointFile is what a log ended with when it was retired.
	LastCheckpointFile = "last-checkpoint"
)

// GenerationDir names the folder of one generation: "authorities/fulcio/g1".
func GenerationDir(kind, name string, generation int) string {
	return kind + "/" + name + "/g" + strconv.Itoa(generation)
}

// HolderDir is the folder of what is filed of a holder.
func HolderDir(name string) string { return "holders/" + name + "/" }

// GenerationName writes a generation in prose: "fulcio g2".
func GenerationName(name string, n int) string { return fmt.Sprintf("%s g%d", name, n) }

// Newest is the last generation of a plan's list, which is never empty.
func Newest(g []plan.Generation) plan.Generation { return g[len(g)-1] }
