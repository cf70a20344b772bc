package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

// TestJSON_HoldsToItsSchema runs what prints data of a rehearsal with --json and
// holds it against the schema of the command in docs/schemas, which promises the
// names of all fields, in snake_case. Write a new field into the schema by hand.
func TestJSON_HoldsToItsSchema(t *testing.T) {
	needs.Time(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true") // no AWS takes part
	dir := rehearsed(t, "JSON_DIR")
	records, err := filepath.Glob(filepath.Join(dir, "ceremonies", "*"))
	must(t, err)
	wellKnown := filepath.Join(dir, "trust", ".well-known")
	root, config := filepath.Join(wellKnown, "trusted_root.json"), filepath.Join(wellKnown, "signing-config.json")
	key := filepath.Join(dir, "logs", "rekor", "g1", "key.pem")
	schemas, err := filepath.Abs("../../docs/schemas")
	must(t, err)
	archive, err := filepath.Abs("../../internal/gate/testdata/archive")
	must(t, err)
	t.Chdir(t.TempDir())
	held := map[string]bool{}
	for _, c := range []struct {
		command string
		args    []string
	}{
		{"status", nil}, {"next", nil}, {"plan check", nil}, {"ledger show", nil}, {"material show", nil}, {"version", nil},
		{"trusted-root show", nil}, {"trusted-root check", nil}, {"trusted-root lint", []string{root}}, {"trusted-root diff", []string{root, root}},
		{"signing-config lint", []string{config}}, {"log key", []string{key, "--origin", "rekor.example.com"}},
		{"tuf verify", []string{filepath.Join(dir, "tuf"), "--root", filepath.Join(dir, "tuf", "1.root.json"), "--rehearsal"}},
		{"ceremony verify", []string{records[0], "--rehearsal"}}, {"request show", []string{filepath.Join(records[0], "sealed", "request")}},
		{"services check", nil}, {"services render", []string{"all"}}, {"kms list", nil},
		{"renew", []string{"fulcio", "--ceremony", "next", "--day", time.Now().UTC().AddDate(2, 0, 0).Format(time.DateOnly)}},
		{"verify", []string{filepath.Join(archive, "app"), "--policy", filepath.Join(archive, "policy.json"), "--bundle", filepath.Join(archive, "key.json"), "--bundle", filepath.Join(archive, "keyless.json")}},
	} {
		var out, errs strings.Builder
		f := &cmdutil.Factory{Out: &out, Err: &errs, Now: time.Now().UTC(), Dir: dir}
		cmdutil.Execute(t.Context(), f, programs.Trustroot(f), append(append(strings.Fields(c.command), c.args...), "--json"))
		var got any
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Errorf("%s --json: %v\n%s\n%s", c.command, err, out.String(), errs.String())
			continue
		}
		name := strings.ReplaceAll(c.command, " ", "-") + ".json"
		data, err := os.ReadFile(filepath.Join(schemas, name))
		if err != nil {
			t.Errorf("%s --json has no schema: %v", c.command, err)
			continue
		}
		held[name] = true
		var s schema
		must(t, json.Unmarshal(data, &s))
		for _, problem := range s.judge(got) {
			t.Errorf("%s --json: %s", c.command, problem)
		}
	}
	scripts, err := filepath.Glob(filepath.Join(schemas, "../../cmd/trustroot/testdata/*/*.txtar"))
	must(t, err)
	for _, path := range scripts {
		data, err := os.ReadFile(path)
		must(t, err)
		for line := range strings.Lines(string(data)) {
			if words := strings.Fields(line); len(words) > 1 && words[0] == "holds" {
				held[words[1]+".json"] = true
			}
		}
	}
	all, err := filepath.Glob(filepath.Join(schemas, "*.json"))
	must(t, err)
	for _, path := range all {
		if !held[filepath.Base(path)] {
			t.Errorf("no command is held to docs/schemas/%s", filepath.Base(path))
		}
	}
}

// holds SCHEMA FILE wants what a command printed, such as stdout, to hold to a
// schema in docs/schemas.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: holds SCHEMA FILE")
	}
	data, err := os.ReadFile(filepath.Join(ts.Getenv("PROJECT"), "docs/schemas", args[0]+".json"))
	ts.Check(err)
	var s schema
	ts.Check(json.Unmarshal(data, &s))
	var got any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &got))
	if found := s.judge(got); len(found) > 0 {
		ts.Fatalf("%s", strings.Join(found, "\n"))
	}
}

// judge says what a document has that the schema does not allow, what it lacks,
// and which names of the schema are not in snake_case.
func (s *schema) judge(v any) []string {
	found := s.problems(s, v, "$")
	for _, property := range s.names() {
		if !snake.MatchString(property) {
			found = append(found, fmt.Sprintf("%q of the schema is not in snake_case", property))
		}
	}
	return found
}

var snake = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// schema is what these schemas use of JSON Schema.
type schema struct {
	Ref        string             `json:"$ref"`
	Defs       map[string]*schema `json:"$defs"`
	Type       string             `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Additional *schema            `json:"additionalProperties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	AnyOf      []*schema          `json:"anyOf"`
	never      bool
}

// UnmarshalJSON also takes true and false, which hold for everything and nothing.
func (s *schema) UnmarshalJSON(data []byte) error {
	if text := string(data); text == "true" || text == "false" {
		s.never = text == "false"
		return nil
	}
	type plain schema
	return json.Unmarshal(data, (*plain)(s))
}

// names are those of all properties.
func (s *schema) names() (all []string) {
	if s == nil {
		return nil
	}
	for name, property := range s.Properties {
		all = append(append(all, name), property.names()...)
	}
	for _, d := range s.Defs {
		all = append(all, d.names()...)
	}
	for _, one := range append(s.AnyOf, s.Items, s.Additional) {
		all = append(all, one.names()...)
	}
	return all
}

// problems says what a value has that its schema does not allow, and what it
// lacks.
func (s *schema) problems(all *schema, v any, at string) (found []string) {
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		return all.Defs[name].problems(all, v, at)
	}
	if s.never {
		return []string{at + " is not in the schema"}
	}
	if len(s.AnyOf) > 0 {
		if !slices.ContainsFunc(s.AnyOf, func(one *schema) bool { return len(one.problems(all, v, at)) == 0 }) {
			return []string{at + " is none of what the schema allows"}
		}
		return nil
	}
	is := map[string]bool{"": true}
	switch v := v.(type) {
	case nil:
		is["null"] = true
	case string:
		is["string"] = true
	case bool:
		is["boolean"] = true
	case float64:
		is["number"], is["integer"] = true, v == float64(int64(v))
	case []any:
		is["array"] = true
		for i, one := range v {
			if s.Items != nil {
				found = append(found, s.Items.problems(all, one, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case map[string]any:
		is["object"] = true
		for name, one := range v {
			property := s.Properties[name]
			if property == nil {
				property = s.Additional
			}
			if property != nil {
				found = append(found, property.problems(all, one, at+"."+name)...)
			}
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				found = append(found, at+" lacks "+name)
			}
		}
	}
	if !is[s.Type] {
		found = append(found, at+" is no "+s.Type)
	}
	return found
}
