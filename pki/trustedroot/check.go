package trustedroot

import (
	"errors"
	"fmt"
	"slices"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/finding"
)

// maxDocument bounds a trusted root or signing config, in bytes. The public
// Sigstore's is about 10 kB; ten thousand generations take some 16 MB.
const maxDocument = 32 << 20

// Judge is a client's own code that reads the files as the client does. An
// error says that the client refuses the file. pki/trustedroot/judge has one.
type Judge interface {
	TrustedRoot(data []byte) error
	SigningConfig(data []byte) error
}

// parse returns the message of a trusted root that the linter's own rules do
// not say is refused by sigstore-go: an unknown field, another media type, a log
// without hash algorithm, key ID or start is an error. The error carries
// fault.Verification.
func parse(data []byte) (*prototrustroot.TrustedRoot, error) {
	msg := &prototrustroot.TrustedRoot{}
	return msg, readStrict(data, msg, Lint)
}

func readSigningConfig(data []byte) (*prototrustroot.SigningConfig, error) {
	msg := &prototrustroot.SigningConfig{}
	return msg, readStrict(data, msg, LintSigningConfig)
}

// readStrict decodes a message and refuses what a client would refuse.
func readStrict(data []byte, msg proto.Message, lint func([]byte, LintOptions) ([]finding.Finding, error)) error {
	if err := checkSize(data); err != nil {
		return err
	}
	if err := protojson.Unmarshal(data, msg); err != nil {
		return refused(err)
	}
	findings, err := lint(data, LintOptions{})
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Severity == Error && slices.Contains(f.Clients, finding.Client{Name: SigstoreGo, Effect: Refuses}) {
			return refused(errors.New(f.String()))
		}
	}
	return nil
}

func checkSize(data []byte) error {
	if len(data) > maxDocument {
		return fault.New(fault.Verification, "", fmt.Errorf("file is larger than %d bytes", maxDocument))
	}
	return nil
}

func refused(err error) error {
	return fault.New(fault.Verification,
		"Run the lint command on the file: it names the place and the repair.",
		fmt.Errorf("clients refuse it: %w", err))
}
