package strict

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// Limits of every file that JSON reads.
const (
	MaxSize  = 16 << 20 // bytes
	MaxDepth = 32       // objects and arrays within each other
	maxFound = 100      // problems after which the rest is not looked at
)

// JSON decodes the one JSON value in data into what into points at, in
// place of what was there. The error is Problems; into is changed only when
// there are none.
func JSON(data []byte, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("decode JSON: %T is not a pointer", into)
	}
	if len(data) > MaxSize {
		return Problems{{Reason: fmt.Sprintf("%d bytes are more than the %d that are read", len(data), MaxSize)}}
	}
	if !utf8.Valid(data) {
		return Problems{{Reason: "not valid UTF-8"}}
	}
	c := &checker{data: data}
	tree, err := Tree(data, "", MaxDepth)
	if tree != nil {
		c.value(target.Type().Elem(), tree)
	}
	if problems, ok := errors.AsType[Problems](err); ok {
		c.problems = append(c.problems, problems...)
	}
	if len(c.problems) > 0 {
		c.problems.Sort()
		return c.problems
	}
	value := reflect.New(target.Type().Elem())
	if err := json.Unmarshal(data, value.Interface()); err != nil {
		return Problems{c.typeProblem(err)}
	}
	target.Elem().Set(value.Elem())
	return nil
}

// Indented writes JSON in one form, for files of which no byte may be another:
// fields in the order of the type, two spaces a level, nothing escaped that need
// not be, a newline at the end.
func Indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// checker holds a document against the Go type that it is for.
type checker struct {
	data     []byte
	problems Problems
}

func (c *checker) add(field string, at Place, reason string) {
	if len(c.problems) == maxFound {
		field, reason = "", "too many problems, the rest was not read"
	}
	if len(c.problems) <= maxFound {
		c.problems = append(c.problems, Problem{Line: at.Line, Column: at.Column, Field: field, Reason: reason})
	}
}

// value checks one value. t is nil where any value will do.
func (c *checker) value(t reflect.Type, n *Node) {
	if n.Raw == "null" && t != nil && !nilable(t) {
		c.add(n.Path, n.Place, "null where a value is needed")
	}
	t = settled(t)
	var fields map[string]reflect.StructField
	var elem reflect.Type
	switch {
	case t == nil:
	case n.Raw == "{}" && t.Kind() == reflect.Struct:
		fields = Fields(t, "json")
	case n.Raw == "{}" && t.Kind() == reflect.Map, n.Raw == "[]" && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		elem = t.Elem()
	}
	for _, item := range n.Items {
		c.value(elem, item)
	}
	seen := map[string]bool{}
	for _, f := range n.Fields {
		if seen[f.Name] {
			c.add(f.Value.Path, f.Place, "the key stands here a second time")
		}
		seen[f.Name] = true
		of, known := fields[f.Name]
		switch {
		case fields == nil:
			c.value(elem, f.Value)
		case known:
			c.value(of.Type, f.Value)
		default:
			c.add(f.Value.Path, f.Place, unknown(f.Name, fields))
			c.value(nil, f.Value)
		}
	}
}

func unknown(key string, fields map[string]reflect.StructField) string {
	if near := Closest(key, fields); near != "" {
		return fmt.Sprintf("unknown field; %s is one", near)
	}
	return "unknown field"
}

// typeProblem names the place of the first value of a wrong type.
func (c *checker) typeProblem(err error) Problem {
	p, offset := Problem{Reason: err.Error()}, int64(0)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		p.Field, p.Reason, offset = wrong.Field, fmt.Sprintf("%s where %s is needed", wrong.Value, wrong.Type), wrong.Offset
	} else if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	if offset > 0 {
		before := c.data[:min(offset-1, int64(len(c.data)))]
		p.Line, p.Column = bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
	}
	return p
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// settled follows pointers, and returns nil for a type that reads its own JSON
// and for an interface: below these any field may stand.
func settled(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() == reflect.Interface {
		return nil
	}
	if p := reflect.PointerTo(t); p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler) {
		return nil
	}
	return t
}

func nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return false
}
