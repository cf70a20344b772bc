package plan

import (
	"bytes"
	_ "embed"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON schema of pki.yaml, made from the Go types: what
// editors complete and check by. It knows forms, not the rules between fields;
// Parse knows all.
func Schema() []byte { return bytes.Clone(schema) }
