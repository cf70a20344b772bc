package gate

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/invopop/jsonschema"
)

var updateSchema = flag.Bool("update-schema", false, "write the JSON schema anew")

// TestSchema_IsThatOfTheTypes makes the JSON schema from the Go types and holds
// the embedded one against it: a program that only hands it out need not carry
// what makes it.
func TestSchema_IsThatOfTheTypes(t *testing.T) {
	schema := (&jsonschema.Reflector{Anonymous: true}).Reflect(new(Policy))
	schema.Title = "trustroot verify policy"
	want, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *updateSchema {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(Schema(), want) {
		t.Error("schema.json is not the schema of the types: run go test ./internal/gate -update-schema and review the change")
	}
}
