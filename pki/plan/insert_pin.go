package plan

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// PinKey finds where the key of a generation that names none yet is written,
// and how. As with AppendGeneration, the result must say nothing else that is
// new.
func PinKey(data []byte, name string, generation int, pin Pin) (Insertion, error) {
	item, err := yaml.Marshal(yaml.MapSlice{{Key: "key", Value: pin.ARN}, {Key: "spki_sha256", Value: pin.SPKISHA256}})
	if err != nil {
		return Insertion{}, fmt.Errorf("write the key of %s g%d: %w", name, generation, err)
	}
	before, err := Parse("pki.yaml", data)
	if err != nil {
		return Insertion{}, err
	}
	kind := before.kindOf(name)
	if kind == "" {
		return Insertion{}, fmt.Errorf("%s is no authority, log or application of the plan", name)
	}
	path := kind + "." + name + ".generations"
	node, err := find(data, kind, name, "generations")
	if err != nil {
		return Insertion{}, err
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok || generation < 1 || generation > len(list.Values) {
		return Insertion{}, fmt.Errorf("%s has no generation %d", path, generation)
	}
	m, ok := list.Values[generation-1].(*ast.MappingNode)
	if !ok || m.IsFlowStyle {
		return Insertion{}, byHand(path, string(item))
	}
	for _, pair := range m.Values {
		if at := pair.Key.GetToken(); at.Value == "generation" {
			indent := strings.Repeat(" ", at.Position.Column-1)
			in := Insertion{After: lastLine(pair), Text: indented(indent, "", string(item))}
			return in, in.verify(data, before, path, string(item), func(p *Plan) { p.pin(kind, name, generation, pin) })
		}
	}
	return Insertion{}, byHand(path, string(item))
}

func (p *Plan) pin(kind, name string, generation int, pin Pin) {
	g := &map[string][]Generation{
		"authorities": p.Authorities[name].Generations,
		"logs":        p.Logs[name].Generations,
		"apps":        p.Apps[name].Generations,
	}[kind][generation-1]
	g.Key, g.SPKISHA256 = pin.ARN, pin.SPKISHA256
}
