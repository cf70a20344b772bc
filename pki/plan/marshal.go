package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

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
