package pki

import (
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"text/template"
	"text/template/parse"
)

// Bounds of templates. A template may come from a plan on a stick, and
// text/template can neither be stopped nor limited from outside: so the tree
// is walked before it runs, and values that functions build are small.
const (
	maxTemplate = 16 << 10
	maxValue    = 32 << 10
)

// allowed are the functions of a template. Those of the environment, the
// network, the clock and the random source are not among them, nor is
// anything that makes long strings or lists.
var allowed = []string{"toJson", "asn1Enc", "asn1Seq", "asn1Set", "policies", "and", "or", "not", "eq", "ne", "len"}

var errLarge = errors.New("value is too large")

// functions are what a template may call, each with a bound on what it builds;
// guard refuses those of text/template that are not allowed.
var functions = template.FuncMap{
	"asn1Enc":  encodeValue,
	"asn1Seq":  enclose(asn1.TagSequence),
	"asn1Set":  enclose(asn1.TagSet),
	"toJson":   toJSON,
	"policies": marshalBase64,
}

func toJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	if err == nil && len(text) > maxValue {
		err = errLarge
	}
	return string(text), err
}

// marshalBase64 encodes certificate policies as a JSON string of base64 DER.
func marshalBase64(p []Policy) (string, error) {
	der, err := marshalPolicies(p)
	if err != nil {
		return "", err
	}
	return `"` + base64.StdEncoding.EncodeToString(der) + `"`, nil
}

// guard refuses a template whose running time is not bounded by its length and
// its data: no definitions or calls of templates, no range inside a range or
// over anything but a field, no function but the allowed ones.
func guard(t *template.Template) error {
	if len(t.Templates()) > 1 {
		return errors.New("a template cannot define other templates")
	}
	if t.Tree == nil {
		return nil
	}
	return walk(t.Root, false)
}

func walk(node parse.Node, ranging bool) error {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := walk(child, ranging); err != nil {
				return err
			}
		}
	case *parse.ActionNode:
		return walk(n.Pipe, ranging)
	case *parse.IfNode:
		return walkBranch(&n.BranchNode, ranging)
	case *parse.WithNode:
		return walkBranch(&n.BranchNode, ranging)
	case *parse.RangeNode:
		if ranging {
			return errors.New("a range inside a range is not allowed")
		}
		if !isField(n.Pipe) {
			return errors.New("range goes over a field only, like .URIs")
		}
		return walkBranch(&n.BranchNode, true)
	case *parse.PipeNode:
		if n == nil {
			return nil
		}
		for _, command := range n.Cmds {
			for _, argument := range command.Args {
				if err := walk(argument, ranging); err != nil {
					return err
				}
			}
		}
	case *parse.IdentifierNode:
		if !slices.Contains(allowed, n.Ident) {
			return fmt.Errorf("function %q is not allowed", n.Ident)
		}
	case *parse.TemplateNode:
		return errors.New("a template cannot call other templates")
	case *parse.ChainNode:
		return walk(n.Node, ranging)
	}
	return nil
}

func walkBranch(b *parse.BranchNode, ranging bool) error {
	return errors.Join(walk(b.Pipe, ranging), walk(b.List, ranging), walk(b.ElseList, ranging))
}

func isField(pipe *parse.PipeNode) bool {
	if pipe == nil || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return false
	}
	_, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode)
	return ok
}
