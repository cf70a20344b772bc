package plan

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// The names of the repository's online keys among those of authorities, logs
// and applications.
const (
	OnlineKey     = "online_key"
	NextOnlineKey = "next_online_key"
)

// PinKey finds where the key of a generation is written, and how: its ARN, its
// pin, or both, whichever pin has. As with AppendGeneration, the result must say
// nothing else that is new.
func PinKey(data []byte, name string, generation int, pin Pin) (Insertion, error) {
	var lines yaml.MapSlice
	if pin.ARN != "" {
		lines = append(lines, yaml.MapItem{Key: "key", Value: pin.ARN})
	}
	if pin.SPKISHA256 != "" {
		lines = append(lines, yaml.MapItem{Key: "spki_sha256", Value: pin.SPKISHA256})
	}
	item, err := yaml.Marshal(lines)
	if err != nil {
		return Insertion{}, fmt.Errorf("write the key of %s g%d: %w", name, generation, err)
	}
	before, err := Parse("pki.yaml", data)
	if err != nil {
		return Insertion{}, err
	}
	m, path, err := before.keyNode(data, name, generation)
	if err != nil {
		return Insertion{}, err
	}
	if m == nil || m.IsFlowStyle {
		return Insertion{}, byHand(path, string(item))
	}
	var after *ast.MappingValueNode
	for _, pair := range m.Values {
		if field := pair.Key.GetToken().Value; field == "generation" || field == "key" {
			after = pair
		}
	}
	if after == nil {
		return Insertion{}, byHand(path, string(item))
	}
	indent := strings.Repeat(" ", after.Key.GetToken().Position.Column-1)
	in := Insertion{After: lastLine(after), Text: indented(indent, "", string(item))}
	return in, in.verify(data, before, path, string(item), func(p *Plan) { p.pin(name, generation, pin) })
}

// keyNode finds the mapping of a generation, nil where it is written otherwise,
// and its path.
func (p *Plan) keyNode(data []byte, name string, generation int) (*ast.MappingNode, string, error) {
	if name == OnlineKey || name == NextOnlineKey {
		node, err := find(data, "tuf", name)
		m, _ := node.(*ast.MappingNode)
		return m, "tuf." + name, err
	}
	kind, _ := p.Generations(name)
	if kind == "" {
		return nil, "", fmt.Errorf("%s is not an authority, log or application of the plan", name)
	}
	path := kind + "." + name + ".generations"
	node, err := find(data, kind, name, "generations")
	if err != nil {
		return nil, path, err
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok || generation < 1 || generation > len(list.Values) {
		return nil, path, fmt.Errorf("%s has no generation %d", path, generation)
	}
	m, _ := list.Values[generation-1].(*ast.MappingNode)
	return m, path, nil
}

func (p *Plan) pin(name string, generation int, pin Pin) {
	var g *Generation
	switch name {
	case OnlineKey:
		g = &p.TUF.OnlineKey
	case NextOnlineKey:
		g = p.TUF.NextOnlineKey
	default:
		_, all := p.Generations(name)
		g = &all[generation-1]
	}
	if pin.ARN != "" {
		g.Key = pin.ARN
	}
	if pin.SPKISHA256 != "" {
		g.SPKISHA256 = pin.SPKISHA256
	}
}
