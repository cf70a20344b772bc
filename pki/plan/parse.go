package plan

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Limits of a plan. The line's length bounds how deep a block can nest before
// the depth is known.
const (
	maxSize  = 1 << 20
	maxLine  = 4096
	maxDepth = 16
)

// Parse reads a plan and checks every rule. name is the file's name in
// messages. The error is strict.Problems under fault.Usage: everything that is
// wrong, by line.
func Parse(name string, data []byte) (*Plan, error) {
	p := new(Plan)
	r := &report{file: name, places: map[string]place{}, bad: map[string]bool{}}
	if body := parse(r, data); body != nil {
		bind(r, body, reflect.ValueOf(p).Elem(), "", 0)
		check(r, p)
	}
	if len(r.problems) > 0 {
		r.problems.Sort()
		return nil, fault.New(fault.Usage, "correct the plan and run trustroot plan check; nothing was changed", r.problems)
	}
	return p, nil
}

// parse reads the YAML and returns its one document, or nil when there is
// none to look at.
func parse(r *report, data []byte) ast.Node {
	if err := bounded(data); err != nil {
		r.at(place{}, "", err.Error())
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		}
		if depth > maxDepth {
			r.at(tokenPlace(t), "", fmt.Sprintf("more than %d levels deep", maxDepth))
			return nil
		}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		if e, ok := errors.AsType[yaml.Error](err); ok {
			r.at(tokenPlace(e.GetToken()), "", e.GetMessage())
		} else {
			r.at(place{}, "", err.Error())
		}
		return nil
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		r.at(place{}, "", fmt.Sprintf("a plan is one YAML document; here are %d", countDocs(file)))
		return nil
	}
	return file.Docs[0].Body
}

func bounded(data []byte) error {
	if len(data) > maxSize {
		return fmt.Errorf("%d bytes are more than a plan may have (%d)", len(data), maxSize)
	}
	if !utf8.Valid(data) {
		return errors.New("not valid UTF-8")
	}
	for i, line := range bytes.FieldsFunc(data, func(c rune) bool { return c == '\n' || c == '\r' }) {
		if len(line) > maxLine {
			return fmt.Errorf("a line (about number %d) has more than %d bytes", i+1, maxLine)
		}
	}
	return nil
}

func countDocs(file *ast.File) int {
	n := 0
	for _, d := range file.Docs {
		if d.Body != nil {
			n++
		}
	}
	return n
}
