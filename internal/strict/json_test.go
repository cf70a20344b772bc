package strict

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type inner struct {
	Name string `json:"name"`
	Size int    `json:"size,omitempty"`
}

type Base struct {
	ID string `json:"id"`
}

type outer struct {
	Base
	Inner  inner             `json:"inner"`
	List   []inner           `json:"list,omitempty"`
	Map    map[string]*inner `json:"map,omitempty"`
	When   time.Time         `json:"when,omitzero"`
	Any    any               `json:"any,omitempty"`
	Hidden string            `json:"-"`
}

func TestJSON_Decodes(t *testing.T) {
	var got outer
	in := `{"id":"x","inner":{"name":"n"},"list":[{"name":"l","size":2}],"map":{"k":{"name":"m"},"z":null},"when":"2026-01-02T03:04:05Z","any":{"a":[1]}}`
	if err := JSON([]byte(in), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "x" || got.Inner.Name != "n" || got.List[0].Size != 2 || got.Map["k"].Name != "m" || got.When.Year() != 2026 || got.Any == nil {
		t.Errorf("got %+v", got)
	}
}

func TestJSON_ReportsEveryProblem(t *testing.T) {
	in := "{\n  \"id\": \"x\",\n  \"id\": \"y\",\n  \"inner\": {\"Name\": \"n\", \"name\": null},\n" +
		"  \"list\": [{\"naem\": \"l\"}],\n  \"any\": {\"a\": 1, \"a\": 2}\n}"
	err := JSON([]byte(in), new(outer))
	want := []string{
		"3:3: id: the key stands here a second time",
		"4:13: inner.Name: unknown field; name is one",
		"4:34: inner.name: null where a value is needed",
		"5:13: list[0].naem: unknown field; name is one",
		"6:19: any.a: the key stands here a second time",
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
}

func TestJSON_Refuses(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2)
	for in, want := range map[string]string{
		``:                             "ends too early",
		`{"id":"x"`:                    "ends too early",
		`{"id":"x"} {}`:                "something after the value",
		`{"id":"x"}]`:                  "something after the value",
		`{"id":"x",}`:                  "1:",
		"{\"id\":\"\xff\"}":            "UTF-8",
		`{"any":` + deep + `}`:         "levels deep",
		`{"inner":{"size":"a"}}`:       "inner.size: string where int is needed",
		`{"inner":{"size":1.5}}`:       "inner.size: number 1.5 where int is needed",
		`{"when":"yesterday"}`:         "yesterday",
		`{"Hidden":"x"}`:               "Hidden: unknown field",
		`null`:                         "null where a value is needed",
		strings.Repeat(" ", MaxSize+1): "are more than",
	} {
		got := outer{Base: Base{ID: "before"}}
		err := JSON([]byte(in), &got)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", in, err, want)
		}
		if got.ID != "before" {
			t.Errorf("%.40q: the target was changed", in)
		}
	}
}

func TestJSON_StopsAfterManyProblems(t *testing.T) {
	in := `{"any":{` + strings.Repeat(`"a":1,`, 100_000) + `"a":1}}`
	err := JSON([]byte(in), new(outer))
	if n := strings.Count(err.Error(), "\n") + 1; n != maxFound+1 {
		t.Errorf("%d problems, want %d", n, maxFound+1)
	}
}

func TestJSON_NeedsAPointer(t *testing.T) {
	if err := JSON([]byte(`{}`), outer{}); err == nil {
		t.Error("decoded into a copy")
	}
}

func TestFields_EmbeddedAndInline(t *testing.T) {
	type tagged struct {
		Base `yaml:",inline"`
		Own  int `yaml:"own"`
	}
	fields := Fields(reflect.TypeFor[tagged](), "yaml")
	if _, ok := fields["ID"]; !ok || len(fields) != 2 {
		t.Errorf("fields %v", fields)
	}
	v := reflect.ValueOf(tagged{Base: Base{ID: "x"}})
	if got := v.FieldByIndex(fields["ID"].Index).String(); got != "x" {
		t.Errorf("the index leads to %q", got)
	}
}

// FuzzJSON holds that what JSON accepts, encoding/json accepts with the same
// result, and that writing it out gives JSON that is accepted again: JSON is
// stricter, never different.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"id":"x","inner":{"name":"n"},"list":[{"name":"l","size":2}],"map":{"k":{"name":"m"}}}`))
	f.Add([]byte(`{"id":"x","id":"y"}`))
	f.Add([]byte(`{"when":"2026-01-02T03:04:05Z","any":[[[]]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, lax, again outer
		if err := JSON(data, &got); err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&lax); err != nil || !reflect.DeepEqual(got, lax) {
			t.Fatalf("encoding/json reads %+v, %v; got %+v", lax, err, got)
		}
		out, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := JSON(out, &again); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	})
}
