package gate

import (
	"bytes"
	_ "embed"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON schema of a policy, made from the Go types: what
// editors complete and check by. It knows forms, not the rules between fields;
// ParsePolicy knows all.
func Schema() []byte { return bytes.Clone(schema) }
