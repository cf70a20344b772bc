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

// node is one value of a JSON document and the line on which it ends, which for
// the scalar values that matter here is the line on which it stands.
type node struct {
	kind   byte // '{', '[', 's'tring, 'n'umber, 'b'ool, '0' for null
	text   string
	line   int
	path   string // $.tlogs[0].publicKey
	keys   []string
	fields map[string]*node // of an object; the last of a repeated key
	again  []repeated       // keys that an object repeats
	items  []*node          // of an array
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
	r := &treeReader{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	if !utf8.Valid(data) {
		at := 0
		for utf8.FullRune(data[at:]) {
			c, size := utf8.DecodeRune(data[at:])
			if c == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return nil, r.fail(int64(at), errNotUTF8)
	}
	root, err := r.value("$", 0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail(r.dec.InputOffset(), errors.New("something follows the end of the document"))
	}
	return root, nil
}

type treeReader struct {
	data []byte
	dec  *json.Decoder

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
	n := &node{path: path, line: r.line(r.dec.InputOffset())}
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
	rest := strings.TrimPrefix(path, "$")
	for rest != "" {
		var next *node
		if strings.HasPrefix(rest, "[") {
			digits, tail, _ := strings.Cut(rest[1:], "]")
			if i, err := strconv.Atoi(digits); err == nil && i >= 0 && i < len(n.items) {
				next = n.items[i]
			}
			rest = tail
		} else {
			rest = strings.TrimPrefix(rest, ".")
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			next = n.field(rest[:end])
			rest = rest[end:]
		}
		if next == nil {
			break
		}
		n = next
	}
	return n.line
}

// field returns a field by its JSON name, or by the name in the .proto file,
// which protobuf's JSON mapping accepts too.
func (n *node) field(name string) *node {
	if f, ok := n.fields[name]; ok {
		return f
	}
	var snake strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			snake.WriteByte('_')
			c += 'a' - 'A'
		}
		snake.WriteRune(c)
	}
	return n.fields[snake.String()]
}
