package plan

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/linnemanlabs/trustroot/pki"
)

var updateSchema = flag.Bool("update-schema", false, "write the JSON schema anew")

// certificateFields describes the fields that come from package pki.
var certificateFields = map[string]string{
	"Subject.Organization":         "O of the distinguished name.",
	"Subject.CommonName":           "CN of the distinguished name.",
	"Subject.Encoding":             "ASN.1 string type of every attribute; utf8 where nothing is said.",
	"Subject.Raw":                  "The whole name in DER and base64, kept byte for byte, where it has other attributes (C=, OU=) or string types.",
	"Settings.PathLen":             "How many CAs may follow below this one (RFC 5280 4.2.1.9).",
	"Settings.ExtKeyUsageCritical": "Whether the extended key usage is critical; sigstore-python refuses a critical one on the Fulcio CA.",
	"Settings.NameConstraints":     "Names that certificates below this CA may and may not carry (RFC 5280 4.2.1.10).",
	"Settings.Policies":            "Certificate policies with the URL of the practice statement (RFC 5280 4.2.1.4).",
	"Settings.URIs":                "URIs in the subject alternative name.",
	"Settings.IssuingCertificates": "Where the issuer's certificate can be fetched (RFC 5280 4.2.2.1).",
	"Settings.CRLDistribution":     "Where the revocation list can be fetched (RFC 5280 4.2.1.13).",
}

// TestSchema_IsThatOfTheTypes makes the JSON schema from the Go types and holds
// the embedded one against it: a program that only hands it out need not carry
// what makes it.
func TestSchema_IsThatOfTheTypes(t *testing.T) {
	r := &jsonschema.Reflector{Anonymous: true, Mapper: mapType}
	comments := fieldComments(t)
	r.LookupComment = func(t reflect.Type, field string) string {
		return comments[strings.TrimSuffix(t.Name()+"."+field, ".")]
	}
	schema := r.Reflect(new(Plan))
	schema.Title = "trustroot plan"
	for _, definition := range schema.Definitions {
		closeMaps(definition)
	}
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
		t.Error("schema.json is not the schema of the types: run go test ./pki/plan -update-schema and review the change")
	}
}

// mapType gives the types that are written as text the pattern of that text.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[pki.Validity]():
		return &jsonschema.Schema{Type: "string", Pattern: "^[1-9][0-9]*[yd]$"}
	case reflect.TypeFor[Days]():
		return &jsonschema.Schema{Type: "string", Pattern: "^[1-9][0-9]*d$"}
	}
	return nil
}

// closeMaps gives every map of names the pattern of a name.
func closeMaps(s *jsonschema.Schema) {
	if s.Properties == nil {
		return
	}
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		property := pair.Value
		if property.Type == "object" && property.AdditionalProperties != nil {
			property.PropertyNames = &jsonschema.Schema{Pattern: nameForm.String(), MaxLength: new(uint64(maxName))}
		}
	}
}

// fieldComments reads the comments of the plan's struct types and their fields,
// by "Type" and "Type.Field"; they become the descriptions that an editor shows.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "plan.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	for field, comment := range certificateFields {
		comments[field] = comment
	}
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.TypeSpec)
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			comments[spec.Name.Name] = oneLine(decl.Doc)
			for _, f := range structure.Fields.List {
				text := oneLine(f.Doc)
				if text == "" {
					text = oneLine(f.Comment)
				}
				for _, name := range f.Names {
					comments[spec.Name.Name+"."+name.Name] = text
				}
			}
		}
	}
	return comments
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// An editor takes every slot of a holder that the program takes, and no other.
func TestSchema_HoldersSlots(t *testing.T) {
	var s struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Pattern string `json:"pattern"`
			} `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(s.Defs["Holder"].Properties["slot"].Pattern)
	for n := range 256 {
		slot := fmt.Sprintf("%02x", n)
		if form.MatchString(slot) != (badKeySlot(slot) == "") {
			t.Errorf("slot %s: the schema says %v, the program %q", slot, form.MatchString(slot), badKeySlot(slot))
		}
	}
}
