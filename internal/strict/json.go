package strict

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
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
	c := &checker{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	c.dec.UseNumber()
	if err := c.document(target.Type().Elem()); err != nil {
		c.add("", c.start, err.Error())
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

// checker walks the tokens of a document beside the Go type that it is for.
type checker struct {
	data     []byte
	dec      *json.Decoder
	start    int64 // offset of the first byte of the token read last
	problems Problems
}

// next reads a token and notes where it begins.
func (c *checker) next() (json.Token, error) {
	c.start = c.dec.InputOffset()
	for c.start < int64(len(c.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), c.data[c.start]) >= 0 {
		c.start++
	}
	return c.dec.Token()
}

// add notes a problem at the byte at offset.
func (c *checker) add(field string, offset int64, reason string) {
	before := c.data[:min(max(offset, 0), int64(len(c.data)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	c.problems = append(c.problems, Problem{Line: line, Column: column, Field: field, Reason: reason})
}

func (c *checker) document(t reflect.Type) error {
	if err := c.value(t, "", 0); err != nil {
		return syntaxReason(err)
	}
	if _, err := c.next(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the value")
	}
	return nil
}

// value reads one value. t is nil where any value will do.
func (c *checker) value(t reflect.Type, path string, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("more than %d levels deep", MaxDepth)
	}
	if len(c.problems) >= maxFound {
		return errors.New("too many problems, the rest was not read")
	}
	token, err := c.next()
	if err != nil {
		return err
	}
	switch token {
	case nil:
		if t != nil && !nilable(t) {
			c.add(path, c.start, "null where a value is needed")
		}
	case json.Delim('{'):
		return c.object(settled(t), path, depth)
	case json.Delim('['):
		return c.array(settled(t), path, depth)
	}
	return nil
}

func (c *checker) object(t reflect.Type, path string, depth int) error {
	var fields map[string]reflect.StructField
	var elem reflect.Type
	if t != nil && t.Kind() == reflect.Struct {
		fields = Fields(t, "json")
	}
	if t != nil && t.Kind() == reflect.Map {
		elem = t.Elem()
	}
	seen := map[string]bool{}
	for c.dec.More() {
		token, err := c.next()
		if err != nil {
			return err
		}
		key := token.(string) // the decoder admits no other key
		at := Join(path, key)
		if seen[key] {
			c.add(at, c.start, "the key stands here a second time")
		}
		seen[key] = true
		next := elem
		if fields != nil {
			f, known := fields[key]
			if known {
				next = f.Type
			} else {
				c.add(at, c.start, unknown(key, fields))
			}
		}
		if err := c.value(next, at, depth+1); err != nil {
			return err
		}
	}
	_, err := c.next()
	return err
}

func (c *checker) array(t reflect.Type, path string, depth int) error {
	var elem reflect.Type
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
	}
	for i := 0; c.dec.More(); i++ {
		if err := c.value(elem, path+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
			return err
		}
	}
	_, err := c.next()
	return err
}

func unknown(key string, fields map[string]reflect.StructField) string {
	if near := Closest(key, fields); near != "" {
		return fmt.Sprintf("unknown field; %s is one", near)
	}
	return "unknown field"
}

// typeProblem names the place of the first value of a wrong type.
func (c *checker) typeProblem(err error) Problem {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		c.add(wrong.Field, wrong.Offset-1, fmt.Sprintf("%s where %s is needed", wrong.Value, wrong.Type))
		return c.problems[0]
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		c.add("", syntax.Offset-1, err.Error())
		return c.problems[0]
	}
	return Problem{Reason: err.Error()}
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

func syntaxReason(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the value ends too early")
	}
	return err
}
