package trustedroot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a document. A trusted root needs eight levels.
const maxDepth = 64

// node is one value of a JSON document.
type node struct {
	kind   byte // '{', '[', 's'tring, 'n'umber, 'b'ool, '0' for null
	text   string
	path   string // $.tlogs[0].publicKey
	keys   []string
	fields map[string]*node // of an object; the last of a repeated key
	again  []repeated       // keys that an object repeats
	items  []*node          // of an array
	lines  map[string]int   // of the whole document, by path; in the root alone
}

type repeated struct {
	key  string
	line int
}

// syntaxError is why a document is not JSON, and on which line.
type syntaxError struct {
	line int
	err  error
}

func (e *syntaxError) Error() string { return e.err.Error() }
func (e *syntaxError) Unwrap() error { return e.err }

// errNotUTF8 is why a document that is JSON otherwise is none.
var errNotUTF8 = errors.New("not valid UTF-8")

// readTree parses one JSON document, and nothing behind it. The error is a
// *syntaxError.
func readTree(data []byte) (*node, error) {
	r := &treeReader{data: data, dec: json.NewDecoder(bytes.NewReader(data)), seen: map[string]int{"": 1}}
	r.dec.UseNumber()
	if !utf8.Valid(data) {
		before := bytes.ToValidUTF8(data, []byte{0xFF}) // which is never valid
		return nil, r.fail(int64(bytes.IndexByte(before, 0xFF)), errNotUTF8)
	}
	root, err := r.value("$", 0)
	if err != nil {
		return nil, err
	}
	root.lines = r.seen
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail(r.dec.InputOffset(), errors.New("something follows the end of the document"))
	}
	return root, nil
}

type treeReader struct {
	data []byte
	dec  *json.Decoder

	seen map[string]int // line on which the value at a path begins

	counted int // bytes whose newlines are in lines
	lines   int
}

func (r *treeReader) fail(offset int64, err error) error {
	return &syntaxError{line: r.line(offset), err: err}
}

// line counts on from the last offset that it was asked for: a document is read
// in linear time.
func (r *treeReader) line(offset int64) int {
	at := min(int(offset), len(r.data))
	if at < r.counted {
		return 1 + bytes.Count(r.data[:at], []byte("\n"))
	}
	r.lines += bytes.Count(r.data[r.counted:at], []byte("\n"))
	r.counted = at
	return 1 + r.lines
}

func (r *treeReader) token() (json.Token, error) {
	tok, err := r.dec.Token()
	if err == nil {
		return tok, nil
	}
	offset := r.dec.InputOffset()
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = se.Offset
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return nil, r.fail(offset, err)
}

func (r *treeReader) value(path string, depth int) (*node, error) {
	tok, err := r.token()
	if err != nil {
		return nil, err
	}
	n := &node{path: path}
	r.seen[path] = r.line(r.dec.InputOffset())
	r.seen[jsonName(path)] = r.seen[path]
	switch v := tok.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, r.fail(r.dec.InputOffset(), fmt.Errorf("nested deeper than %d levels", maxDepth))
		}
		n.kind = byte(v) //nolint:gosec // one of four ASCII delimiters
		if v == '{' {
			return n, r.object(n, depth)
		}
		return n, r.array(n, depth)
	case string:
		n.kind, n.text = 's', v
	case json.Number:
		n.kind, n.text = 'n', v.String()
	case bool:
		n.kind, n.text = 'b', strconv.FormatBool(v)
	default:
		n.kind = '0'
	}
	return n, nil
}

func (r *treeReader) object(n *node, depth int) error {
	n.fields = map[string]*node{}
	for r.dec.More() {
		tok, err := r.token()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return r.fail(r.dec.InputOffset(), fmt.Errorf("a key is %v, not a string", tok))
		}
		if _, ok := n.fields[key]; ok {
			n.again = append(n.again, repeated{key: key, line: r.line(r.dec.InputOffset())})
		} else {
			n.keys = append(n.keys, key)
		}
		if n.fields[key], err = r.value(n.path+"."+key, depth+1); err != nil {
			return err
		}
	}
	_, err := r.token()
	return err
}

func (r *treeReader) array(n *node, depth int) error {
	for r.dec.More() {
		item, err := r.value(fmt.Sprintf("%s[%d]", n.path, len(n.items)), depth+1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := r.token()
	return err
}

// lineOf returns the line of a path, or of the nearest value above it that is
// there.
func (n *node) lineOf(path string) int {
	for {
		if line, ok := n.lines[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// jsonName returns a path in protobuf's JSON names: its mapping also takes the
// names of the .proto file.
func jsonName(path string) string {
	parts := strings.Split(path, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
