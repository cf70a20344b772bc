// Package judge has sigstore-go judge trusted roots, signing configs and
// bundles. It is apart from pki/trustedroot so that a program that builds,
// lints or shows those files links no client.
package judge

import (
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// maxDocument bounds a file, in bytes, as pki/trustedroot does.
const maxDocument = 32 << 20

// SigstoreGo judges as sigstore-go reads. It implements trustedroot.Judge.
type SigstoreGo struct{}

// TrustedRoot implements trustedroot.Judge.
func (SigstoreGo) TrustedRoot(data []byte) error { _, err := Check(data); return err }

// SigningConfig implements trustedroot.Judge.
func (SigstoreGo) SigningConfig(data []byte) error { _, err := CheckSigningConfig(data); return err }

// Check reads a trusted root as sigstore-go does, strictly: an unknown field,
// another media type, a log without hash algorithm, key ID or start is an
// error. It says nothing of what sigstore-go does not see; the linter does. The
// error carries fault.Verification.
func Check(trustedRoot []byte) (*root.TrustedRoot, error) {
	return read(trustedRoot, root.NewTrustedRootFromJSON)
}

// CheckSigningConfig reads a signing config as sigstore-go does.
func CheckSigningConfig(signingConfig []byte) (*root.SigningConfig, error) {
	return read(signingConfig, root.NewSigningConfigFromJSON)
}

func read[T any](data []byte, parse func([]byte) (*T, error)) (*T, error) {
	if len(data) > maxDocument {
		return nil, fault.New(fault.Verification, "", fmt.Errorf("file is larger than %d bytes", maxDocument))
	}
	parsed, err := parse(data)
	if err != nil {
		return nil, refused(err)
	}
	return parsed, nil
}

func refused(err error) error {
	return fault.New(fault.Verification,
		"Run the lint command on the file: it names the place and the repair.",
		fmt.Errorf("sigstore-go refuses it: %w", err))
}
