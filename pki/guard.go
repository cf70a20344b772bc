package pki

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"text/template"
	"text/template/parse"

	"go.step.sm/crypto/x509util"
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

// functions returns the functions that a template may call: x509util's, each
// with a bound on what it builds, and policies.
func functions() (template.FuncMap, error) {
	all := x509util.GetFuncMap()
	encode, ok1 := all["asn1Enc"].(func(string) (string, error))
	sequence, ok2 := all["asn1Seq"].(func(...string) (string, error))
	set, ok3 := all["asn1Set"].(func(...string) (string, error))
	if !ok1 || !ok2 || !ok3 {
		return nil, errors.New("x509util's template functions have changed their types")
	}
	return template.FuncMap{
		"asn1Enc": func(s string) (string, error) {
			if len(s) > maxValue {
				return "", errLarge
			}
			return encode(s)
		},
		"asn1Seq":  bounded(sequence),
		"asn1Set":  bounded(set),
		"toJson":   toJSON,
		"policies": func(p []Policy) (string, error) { return marshalBase64(p) },
	}, nil
}

func bounded(f func(...string) (string, error)) func(...string) (string, error) {
	return func(parts ...string) (string, error) {
		total := 0
		for _, part := range parts {
			total += len(part)
		}
		if total > maxValue {
			return "", errLarge
		}
		return f(parts...)
	}
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
