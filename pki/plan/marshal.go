package plan

import "github.com/goccy/go-yaml"

// Marshal writes the plan as YAML that Parse reads to the same value. Comments
// of a file that it was read from are not kept.
func (p *Plan) Marshal() ([]byte, error) {
	return yaml.MarshalWithOptions(p, yaml.Indent(2), yaml.IndentSequence(true))
}
