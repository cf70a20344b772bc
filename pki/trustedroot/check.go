package trustedroot

import (
	"fmt"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// maxDocument bounds a trusted root or signing config, in bytes. The public
// Sigstore's is about 10 kB; ten thousand generations take some 16 MB.
const maxDocument = 32 << 20

// Check reads a trusted root as sigstore-go does, strictly: an unknown field,
// another media type, a log without hash algorithm, key ID or start is an
// error. It says nothing of what sigstore-go does not see; Lint does. The
// error carries fault.Verification.
func Check(trustedRoot []byte) (*root.TrustedRoot, error) {
	if err := checkSize(trustedRoot); err != nil {
		return nil, err
	}
	tr, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		return nil, refused(err)
	}
	return tr, nil
}

// CheckSigningConfig reads a signing config as sigstore-go does.
func CheckSigningConfig(signingConfig []byte) (*root.SigningConfig, error) {
	if err := checkSize(signingConfig); err != nil {
		return nil, err
	}
	sc, err := root.NewSigningConfigFromJSON(signingConfig)
	if err != nil {
		return nil, refused(err)
	}
	return sc, nil
}

// parse returns the message of a trusted root that sigstore-go accepts.
func parse(data []byte) (*prototrustroot.TrustedRoot, error) {
	if _, err := Check(data); err != nil {
		return nil, err
	}
	msg, err := root.NewTrustedRootProtobuf(data)
	if err != nil {
		return nil, refused(err)
	}
	return msg, nil
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
		fmt.Errorf("sigstore-go refuses it: %w", err))
}

// strictJSON decodes a message and refuses unknown fields.
func strictJSON(data []byte, msg proto.Message) error {
	if err := protojson.Unmarshal(data, msg); err != nil {
		return refused(err)
	}
	return nil
}
