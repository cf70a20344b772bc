package gate

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON schema of a policy, made from the Go types: what
// editors complete and check by. It knows forms, not the rules between fields;
// ParsePolicy knows all.
func Schema() ([]byte, error) {
	schema := (&jsonschema.Reflector{Anonymous: true}).Reflect(new(Policy))
	schema.Title = "trustroot verify policy"
	out, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}
