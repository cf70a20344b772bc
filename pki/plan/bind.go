package plan

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// bind puts a node into a Go value of the plan's types and notes every
// unknown field, duplicate key, missing field and wrong type on the way.
func bind(r *report, n ast.Node, v reflect.Value, path string, depth int) {
	if depth > maxDepth {
		r.reject(start(n), path, fmt.Sprintf("more than %d levels deep", maxDepth))
		return
	}
	if _, known := r.places[path]; !known {
		r.places[path] = start(n)
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode, *ast.DirectiveNode:
		r.reject(start(n), path, "anchors, aliases, merge keys, tags and directives are not read: write the value itself")
		return
	case *ast.NullNode:
		r.reject(start(n), path, "no value: give one or remove the field")
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	_, isText := v.Addr().Interface().(encoding.TextUnmarshaler) // time.Time is one
	switch {
	case isText:
		scalar(r, n, v, path)
	case v.Kind() == reflect.Struct:
		fields(r, n, v, path, depth)
	case v.Kind() == reflect.Map:
		entries(r, n, v, path, depth)
	case v.Kind() == reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if !ok {
			r.reject(start(n), path, "must be a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
		for i, item := range list.Values {
			bind(r, item, v.Index(i), index(path, i), depth+1)
		}
	default:
		scalar(r, n, v, path)
	}
}

// pairs calls each for every key of a mapping that is a plain string and stands
// there for the first time.
func pairs(r *report, n ast.Node, path string, each func(key, at string, where place, value ast.Node)) bool {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.reject(start(n), path, "must be a mapping of fields")
		return false
	}
	seen := map[string]int{}
	for _, pair := range m.Values {
		where := tokenPlace(pair.Key.GetToken())
		name, ok := pair.Key.(*ast.StringNode)
		if !ok {
			r.at(where, path, fmt.Sprintf("the key %q must be a plain name; merge keys, anchors and complex keys are not read", pair.Key.String()))
			continue
		}
		at := join(path, name.Value)
		if line, twice := seen[name.Value]; twice {
			r.at(where, at, fmt.Sprintf("the key stands in line %d already: remove one of them", line))
			continue
		}
		seen[name.Value] = where.line
		switch pair.Value.(type) {
		case *ast.MappingNode, *ast.SequenceNode:
			r.places[at] = where
		}
		each(name.Value, at, where, pair.Value)
	}
	return true
}

func fields(r *report, n ast.Node, v reflect.Value, path string, depth int) {
	fields := strict.Fields(v.Type(), "yaml")
	given := map[string]bool{}
	ok := pairs(r, n, path, func(key, at string, where place, value ast.Node) {
		f, known := fields[key]
		if !known {
			hint := "remove it"
			if near := strict.Closest(key, fields); near != "" {
				hint = "write " + near
			}
			r.at(where, at, "unknown field: "+hint)
			return
		}
		given[key] = true
		bind(r, value, v.FieldByIndex(f.Index), at, depth+1)
	})
	if !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !given[name] && !strings.Contains(fields[name].Tag.Get("yaml"), ",omitempty") {
			r.reject(r.places[path], join(path, name), "missing")
		}
	}
}

func entries(r *report, n ast.Node, v reflect.Value, path string, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	pairs(r, n, path, func(key, at string, _ place, value ast.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		bind(r, value, item, at, depth+1)
		v.SetMapIndex(reflect.ValueOf(key), item)
		if !nameForm.MatchString(key) || len(key) > maxName {
			r.add(at, "a name has at most %d characters of a-z, 0-9 and hyphens, no hyphen at an end", maxName)
		}
	})
}

var decimal = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// scalar reads one value. Nothing is converted: a number is not a string.
func scalar(r *report, n ast.Node, v reflect.Value, path string) {
	var text string
	var isString bool
	switch n := n.(type) {
	case *ast.StringNode:
		text, isString = n.Value, true
	case *ast.LiteralNode:
		text, isString = n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	default:
		r.reject(start(n), path, "must be a single value")
		return
	}
	if reason := assign(v, text, isString, n); reason != "" {
		r.reject(start(n), path, reason)
	}
}

// assign sets v and returns what is wrong with the text, if anything.
func assign(v reflect.Value, text string, isString bool, n ast.Node) string {
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil || parsed.Nanosecond() != 0 || parsed.Year() < 1950 {
			return fmt.Sprintf("%q is not a time: write it like 2026-05-01T12:00:00Z", text)
		}
		*t = parsed.UTC()
		return ""
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return err.Error()
		}
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		if !isString {
			return fmt.Sprintf("%s is a number or a truth value: put it in quotes", text)
		}
		v.SetString(text)
	case reflect.Bool:
		if _, ok := n.(*ast.BoolNode); !ok || text != "true" && text != "false" {
			return fmt.Sprintf("%q is neither true nor false", text)
		}
		v.SetBool(text == "true")
	case reflect.Int:
		i, err := strconv.ParseInt(text, 10, 32)
		if isString || err != nil || !decimal.MatchString(text) {
			return fmt.Sprintf("%q is not a whole number", text)
		}
		v.SetInt(i)
	case reflect.Uint32:
		u, err := strconv.ParseUint(text, 10, 32)
		if isString || err != nil || !decimal.MatchString(text) {
			return fmt.Sprintf("%q is not a whole number up to 4294967295", text)
		}
		v.SetUint(u)
	default:
		panic("plan: a field has the type " + v.Type().String() + ", which no scalar can fill")
	}
	return ""
}
