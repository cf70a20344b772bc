package plan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// maxProblems bounds what is reported.
const maxProblems = 200

// place is where something stands in the file; zero when that is not known.
type place struct{ line, column int }

// report collects the problems of one plan and knows where each field stands.
type report struct {
	file     string
	problems strict.Problems
	places   map[string]place // by field path
	bad      map[string]bool  // fields that hold no usable value
}

// at notes a problem at a place.
func (r *report) at(p place, path, reason string) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, strict.Problem{File: r.file, Line: p.line, Column: p.column, Field: path, Reason: reason})
	}
}

// reject notes a problem that leaves the field without a usable value: the
// rules then pass over it, so that one mistake is one problem.
func (r *report) reject(p place, path, reason string) {
	r.at(p, path, reason)
	r.bad[path] = true
}

// add notes that a rule is broken at a field, unless the field or what holds
// it is bad anyway.
func (r *report) add(path, format string, args ...any) {
	where, found := place{}, false
	for p := path; ; p = parent(p) {
		if r.bad[p] {
			return
		}
		if !found {
			where, found = r.places[p]
		}
		if p == "" {
			break
		}
	}
	r.at(where, path, fmt.Sprintf(format, args...))
}

// ok says whether the field was read: present and of the right type.
func (r *report) ok(path string) bool {
	if _, there := r.places[path]; !there {
		return false
	}
	for p := path; ; p = parent(p) {
		if r.bad[p] {
			return false
		}
		if p == "" {
			return true
		}
	}
}

// parent cuts the last element off a field path.
func parent(path string) string {
	if strings.HasSuffix(path, `"`) { // a quoted key: dots in it mean nothing
		if i := strings.LastIndex(path, `."`); i >= 0 {
			return path[:i]
		}
		return ""
	}
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// join writes the path of a key. One that is not plain name is quoted, for it
// may hold anything.
func join(path, key string) string {
	if strings.ContainsFunc(key, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-'
	}) || key == "" {
		key = strconv.QuoteToASCII(key)
	}
	return strict.Join(path, key)
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func tokenPlace(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// start is where a node begins: for a block mapping, at its first key.
func start(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return tokenPlace(m.Values[0].Key.GetToken())
	}
	return tokenPlace(n.GetToken())
}
