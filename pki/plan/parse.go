package plan

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
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

// Marshal writes the plan as YAML that Parse reads to the same value. Comments
// of a file that it was read from are not kept.
func (p *Plan) Marshal() ([]byte, error) {
	node, err := yaml.ValueToNode(p, yaml.Indent(2), yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
	if err != nil {
		return nil, fmt.Errorf("write the plan as YAML: %w", err)
	}
	ast.Walk(quoter{}, node)
	return []byte(node.String() + "\n"), nil
}

// quoter puts every text in quotes that some YAML reader could take for
// something else: the writer itself leaves .inf and "? a" bare.
type quoter struct{}

// bare are texts, validities and times that need no quotes anywhere.
var bare = regexp.MustCompile(`^([.]?[A-Za-z][A-Za-z0-9 ,._/:@-]*|[0-9]+[yd]|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)$`)

func (q quoter) Visit(n ast.Node) ast.Visitor {
	// what the writer has quoted itself begins with a quote.
	if s, ok := n.(*ast.StringNode); ok && !plain(s.Value) && !strings.HasPrefix(s.Value, `"`) {
		s.Token.Type = token.DoubleQuoteType
	}
	if _, ok := n.(*ast.LiteralNode); ok {
		return nil
	}
	return q
}

// block are texts of several lines that a literal block gives back unchanged.
var block = regexp.MustCompile(`^[!-~][ -~]*(\n *[!-~][ -~]*)*\n?$`)

func plain(s string) bool {
	if strings.Contains(s, "\n") {
		return block.MatchString(s)
	}
	words := []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"}
	return bare.MatchString(s) && !strings.Contains(s, ": ") && !strings.HasSuffix(s, ":") &&
		!strings.HasSuffix(s, " ") && !slices.Contains(words, strings.ToLower(s))
}

//go:embed schema.json
var schema []byte

// Schema returns the JSON schema of pki.yaml, made from the Go types: what
// editors complete and check by. It knows forms, not the rules between fields;
// Parse knows all.
func Schema() []byte { return bytes.Clone(schema) }
