package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

func TestParse_Refuses(t *testing.T) {
	for data, why := range map[string]string{
		"":                                   "one YAML document",
		"# nothing\n":                        "one YAML document",
		"---\nversion: 1\n---\nversion: 1\n": "one YAML document",
		"- version: 1\n":                     "mapping of fields",
		"version: [1\n":                      "",
		"\tversion: 1\n":                     "",
		"version: \"\xff\"\n":                "UTF-8",
		"%YAML 1.2\n---\nversion: 1\n":       "",
		strings.Repeat("#\n", maxSize):       "bytes are more than",
		strings.Repeat("a", maxLine+1):       "a line (about number 1)",
		strings.Repeat("[", maxDepth+1):      "levels deep",
		"version: " + strings.Repeat("\n "+strings.Repeat(" ", 1)+"a:", 1): "single value",
	} {
		got := problemsOf(t, data)
		if len(got) == 0 || !strings.Contains(got.Error(), why) {
			t.Errorf("%.60q: got %v, want %q", data, got, why)
		}
	}
}

func TestParse_DeepBlock(t *testing.T) {
	var plan strings.Builder
	for i := range 1000 {
		plan.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	if got := problemsOf(t, plan.String()); len(got) == 0 {
		t.Error("accepted")
	}
	if got := problemsOf(t, strings.Repeat("- ", maxLine/2)); len(got) == 0 {
		t.Error("accepted")
	}
}

func TestParse_ManyProblems(t *testing.T) {
	var plan strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&plan, "unknown%d: 1\n", i)
	}
	if got := problemsOf(t, plan.String()); len(got) != maxProblems {
		t.Errorf("%d problems, want %d", len(got), maxProblems)
	}
}

// The schema names the fields that Parse knows and no others, and no object
// is open.
func TestSchema_SameFieldsAsTheTypes(t *testing.T) {
	data := Schema()
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct {
				PropertyNames struct{ Pattern string }
				Additional    any `json:"additionalProperties"`
				Pattern       string
			}
			Required    []string
			Additional  any `json:"additionalProperties"`
			Description string
		} `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	seen := 0
	walkTypes(reflect.TypeFor[Plan](), map[reflect.Type]bool{}, func(typ reflect.Type) {
		seen++
		def, ok := schema.Defs[typ.Name()]
		if !ok {
			t.Errorf("%s is not in the schema", typ)
			return
		}
		if def.Additional != false {
			t.Errorf("%s admits other fields", typ)
		}
		fields := strict.Fields(typ, "yaml")
		if len(fields) != len(def.Properties) {
			t.Errorf("%s has %d fields, and %d in the schema", typ, len(fields), len(def.Properties))
		}
		for name, f := range fields {
			if _, ok := def.Properties[name]; !ok {
				t.Errorf("%s.%s is not in the schema", typ, name)
			}
			required := !strings.Contains(f.Tag.Get("yaml"), "omitempty")
			if required != slices.Contains(def.Required, name) {
				t.Errorf("%s.%s: required is %v in the type only", typ, name, required)
			}
			if f.Type.Kind() == reflect.Map && def.Properties[name].PropertyNames.Pattern != nameForm.String() {
				t.Errorf("%s.%s admits any name", typ, name)
			}
		}
	})
	if seen != len(schema.Defs) {
		t.Errorf("%d types, %d in the schema", seen, len(schema.Defs))
	}
	if d := schema.Defs["Ceremony"].Description; d != "Ceremony is one day at the root's token." {
		t.Errorf("a description is %q", d)
	}
	if p := schema.Defs["Authority"].Properties["validity"].Pattern; p != "^[1-9][0-9]*[yd]$" {
		t.Errorf("the pattern of a validity is %q", p)
	}
}

// walkTypes visits every struct type below t that is read field by field.
func walkTypes(t reflect.Type, seen map[reflect.Type]bool, visit func(reflect.Type)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		walkTypes(t.Elem(), seen, visit)
	case reflect.Struct:
		if _, text := reflect.New(t).Interface().(interface{ UnmarshalText([]byte) error }); text || seen[t] {
			return
		}
		seen[t] = true
		visit(t)
		for _, f := range strict.Fields(t, "yaml") {
			walkTypes(f.Type, seen, visit)
		}
	}
}
