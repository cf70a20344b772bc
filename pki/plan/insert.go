package plan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Insertion is text that goes into a plan behind a line. Every byte of the
// plan stays, comments included.
type Insertion struct {
	After int    `json:"after_line"` // counted from 1
	Text  string `json:"text"`       // whole lines
}

// Apply returns data with the text in it.
func (i Insertion) Apply(data []byte) []byte {
	lines := bytes.SplitAfter(data, []byte("\n"))
	head := bytes.Join(lines[:min(i.After, len(lines))], nil)
	tail := data[len(head):]
	text := i.Text
	if bytes.HasSuffix(bytes.TrimSuffix(head, []byte("\n")), []byte("\r")) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if len(head) > 0 && !bytes.HasSuffix(head, []byte("\n")) {
		text = "\n" + text
	}
	return bytes.Join([][]byte{head, []byte(text), tail}, nil)
}

// AppendGeneration finds where the next generation of an authority, log or
// application is written, and how. data is a plan that Parse reads; the result
// is read again and must say nothing else that is new. A list in braces is
// refused: what is to be added then stands in the error.
func AppendGeneration(data []byte, name string, g Generation) (Insertion, error) {
	item, err := yaml.Marshal(g)
	if err != nil {
		return Insertion{}, fmt.Errorf("write generation %d of %s: %w", g.Generation, name, err)
	}
	before, err := Parse("pki.yaml", data)
	if err != nil {
		return Insertion{}, err
	}
	kind, _ := before.Generations(name)
	if kind == "" {
		return Insertion{}, fmt.Errorf("%s is not an authority, log or application of the plan", name)
	}
	node, err := find(data, kind, name, "generations")
	if err != nil {
		return Insertion{}, err
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok || list.IsFlowStyle || len(list.Values) == 0 {
		return Insertion{}, byHand(kind+"."+name+".generations", string(item))
	}
	indent := strings.Repeat(" ", list.Start.Position.Column-1)
	in := Insertion{After: lastLine(list), Text: indented(indent, "- ", string(item))}
	return in, in.verify(data, before, kind+"."+name+".generations", string(item), func(p *Plan) { p.appendGeneration(kind, name, g) })
}

// AppendCeremony finds where a ceremony is written. It refuses one that is
// there. People and the program's digest are those of the last one that names
// any, and a comment says that they are drafted; firmware and slot are those of
// the token. A ceremony image is built anew for each day.
func AppendCeremony(data []byte, name string, c Ceremony) (Insertion, error) {
	before, err := Parse("pki.yaml", data)
	if err != nil {
		return Insertion{}, err
	}
	if _, there := before.Ceremonies[name]; there {
		return Insertion{}, fmt.Errorf("the plan has a ceremony %s already", name)
	}
	days := func(a, b string) int {
		return cmp.Or(cmp.Compare(before.Ceremonies[a].Day, before.Ceremonies[b].Day), cmp.Compare(a, b))
	}
	for _, last := range slices.SortedFunc(maps.Keys(before.Ceremonies), days) {
		l := before.Ceremonies[last]
		c.BinarySHA256 = cmp.Or(l.BinarySHA256, c.BinarySHA256)
		if len(l.Operators)+len(l.Witnesses) > 0 {
			c.Operators, c.Witnesses = l.Operators, l.Witnesses
		}
		if l.Token == c.Token {
			c.Firmware, c.RecordSlot = l.Firmware, l.RecordSlot
		}
	}
	item, err := yaml.Marshal(map[string]Ceremony{name: c})
	if err != nil {
		return Insertion{}, fmt.Errorf("write ceremony %s: %w", name, err)
	}
	if len(c.Operators)+len(c.Witnesses)+len(c.BinarySHA256) > 0 {
		item = bytes.Replace(item, []byte(":\n"), []byte(": # drafted: people and program are those of before; review them\n"), 1)
	}
	apply := func(p *Plan) {
		if p.Ceremonies == nil {
			p.Ceremonies = map[string]Ceremony{}
		}
		p.Ceremonies[name] = c
	}
	if len(before.Ceremonies) == 0 {
		in := Insertion{After: bytes.Count(data, []byte("\n")) + 1, Text: "ceremonies:\n" + indented("  ", "", string(item))}
		return in, in.verify(data, before, "ceremonies", string(item), apply)
	}
	node, err := find(data, "ceremonies")
	if err != nil {
		return Insertion{}, err
	}
	m, ok := node.(*ast.MappingNode)
	if !ok || m.IsFlowStyle {
		return Insertion{}, byHand("ceremonies", string(item))
	}
	indent := strings.Repeat(" ", start(m).column-1)
	in := Insertion{After: lastLine(m), Text: indented(indent, "", string(item))}
	return in, in.verify(data, before, "ceremonies", string(item), apply)
}

// verify reads the plan with the text in it: it must be the old one with that
// one change.
func (i Insertion) verify(data []byte, before *Plan, path, item string, apply func(*Plan)) error {
	after, err := Parse("pki.yaml", i.Apply(data))
	if err != nil {
		return err
	}
	apply(before)
	if !reflect.DeepEqual(before, after) {
		return byHand(path, item)
	}
	return nil
}

func byHand(path, item string) error {
	return fmt.Errorf("%s is written in a way that is not edited here; add by hand: %s", path, strings.Join(strings.Fields(item), " "))
}

// find returns the value at a path of plain keys.
func find(data []byte, path ...string) (ast.Node, error) {
	// the parser counts some lines that end in CRLF twice
	file, err := parser.ParseBytes(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), 0)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	if len(file.Docs) != 1 {
		return nil, errors.New("a plan is one YAML document")
	}
	node := file.Docs[0].Body
	for _, key := range path {
		m, ok := node.(*ast.MappingNode)
		if !ok {
			return nil, fmt.Errorf("%s is not a mapping", key)
		}
		node = nil
		for _, pair := range m.Values {
			if pair.Key.GetToken().Value == key {
				node = pair.Value
			}
		}
		if node == nil {
			return nil, fmt.Errorf("the plan has no %s", key)
		}
	}
	return node, nil
}

// lastLine is the last line that a node's tokens touch.
func lastLine(n ast.Node) int {
	v := &lines{}
	ast.Walk(v, n)
	return v.last
}

type lines struct{ last int }

// Visit implements ast.Visitor.
func (l *lines) Visit(n ast.Node) ast.Visitor {
	tokens := []*token.Token{n.GetToken()}
	switch n := n.(type) {
	case *ast.SequenceNode:
		tokens = append(tokens, n.End)
	case *ast.MappingNode:
		tokens = append(tokens, n.End)
	}
	for _, t := range tokens {
		if t != nil && t.Position != nil {
			l.last = max(l.last, t.Position.Line)
		}
	}
	return l
}

func indented(indent, mark, item string) string {
	var b strings.Builder
	for line := range strings.Lines(item) {
		b.WriteString(indent + mark + strings.TrimRight(line, "\n") + "\n")
		mark = strings.Repeat(" ", len(mark))
	}
	return b.String()
}

func (p *Plan) appendGeneration(kind, name string, g Generation) {
	switch kind {
	case "authorities":
		a := p.Authorities[name]
		a.Generations = append(a.Generations, g)
		p.Authorities[name] = a
	case "logs":
		l := p.Logs[name]
		l.Generations = append(l.Generations, g)
		p.Logs[name] = l
	case "apps":
		a := p.Apps[name]
		a.Generations = append(a.Generations, g)
		p.Apps[name] = a
	}
}
