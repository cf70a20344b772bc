package trustedroot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

const timestampName = "google.protobuf.Timestamp"

// structure compares a JSON value with the message that it should hold, as
// protobuf's JSON mapping reads it.
func structure(l *linter, n *strict.Node, m protoreflect.Message) {
	if n.Raw != "{}" {
		l.add(ruleType, n.Path, "This is not an object", "Write an object here")
		return
	}
	values := map[string]*strict.Node{} // the last of a repeated key
	for _, f := range n.Fields {
		if values[f.Name] != nil {
			l.addLine(ruleDuplicate, f.Value.Path, f.Line, fmt.Sprintf("The field %q stands here twice", f.Name), "Keep one of the two")
		}
		values[f.Name] = f.Value
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		field(l, values[key], key, m)
	}
}

func field(l *linter, value *strict.Node, key string, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	fd := fields.ByJSONName(key)
	if fd == nil {
		if fd = fields.ByTextName(key); fd == nil {
			l.add(ruleUnknown, value.Path, fmt.Sprintf("There is no field %q here", key), belongs(key, m.Descriptor()))
			return
		}
		l.add(ruleFieldName, value.Path, fmt.Sprintf("The field is called %q here", key), fmt.Sprintf("Call it %q, the only name that every client knows", fd.JSONName()))
	}
	switch {
	case value.Raw == "null": // null leaves a field unset
	case !fd.IsList():
		scalar(l, value, fd, m)
	case value.Raw != "[]":
		l.add(ruleTypeList, value.Path, "This is not a list", "Write a list here")
	default:
		for _, item := range value.Items {
			scalar(l, item, fd, m)
		}
	}
}

// scalar judges one value of a field. What is not a message is given to protobuf's
// own parser, alone in a message of its kind.
func scalar(l *linter, value *strict.Node, fd protoreflect.FieldDescriptor, m protoreflect.Message) {
	if fd.Message() != nil && fd.Message().FullName() != timestampName {
		if fd.IsList() {
			structure(l, value, m.NewField(fd).List().NewElement().Message())
		} else {
			structure(l, value, m.NewField(fd).Message())
		}
		return
	}
	document := fmt.Sprintf(`{%q:%s}`, fd.JSONName(), value.Raw)
	if err := protojson.Unmarshal([]byte(document), m.New().Interface()); err != nil {
		l.add(typeRule(fd), value.Path, fmt.Sprintf("%s is not a value for %s", abbreviate(value.Raw), fd.JSONName()), "Write "+expected(fd))
	}
}

// typeRule returns what clients do with a value of a field's wrong type.
func typeRule(fd protoreflect.FieldDescriptor) rule {
	switch {
	case fd.Kind() == protoreflect.EnumKind:
		return ruleTypeEnum
	case fd.Kind() == protoreflect.BytesKind && fd.JSONName() == "keyId":
		return ruleTypeID
	case fd.Kind() == protoreflect.BytesKind:
		return ruleTypeBytes
	case fd.Message() != nil:
		return ruleTypeTime
	default:
		return ruleType
	}
}

func abbreviate(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func expected(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Kind() == protoreflect.BytesKind:
		return "base64 in a string"
	case fd.Kind() == protoreflect.EnumKind:
		return "one of the names of " + string(fd.Enum().Name())
	case fd.Message() != nil:
		return "an instant like 2026-01-31T12:00:00Z in a string"
	case fd.Kind() == protoreflect.StringKind:
		return "a string"
	default:
		return "a whole number"
	}
}

// replaced are the fields of a signing config of version 0.1 and what stands
// for them now.
var replaced = map[string]string{
	"caUrl": "caUrls", "oidcUrl": "oidcUrls", "tlogUrls": "rekorTlogUrls",
}

// belongs says where a field that is unknown in one message has its place.
func belongs(key string, here protoreflect.MessageDescriptor) string {
	if now, ok := replaced[key]; ok && here.Fields().ByJSONName(now) != nil {
		return fmt.Sprintf("Write it as %s, a list of services", now)
	}
	if places := below(key, here, ""); len(places) > 0 {
		return "Move it to " + strings.Join(places, " or ")
	}
	if places := below(key, here.ParentFile().Messages().ByName("ClientTrustConfig"), ""); len(places) > 0 {
		for i, p := range places {
			p = strings.TrimPrefix(p, "trustedRoot.")
			places[i] = strings.TrimPrefix(p, "signingConfig.")
		}
		return "It belongs to " + strings.Join(places, " or ") + ": remove it here"
	}
	return "Remove it"
}

// below returns the places of a field within a message, nearest first.
func below(key string, m protoreflect.MessageDescriptor, prefix string) []string {
	if m == nil || m.FullName() == timestampName {
		return nil
	}
	var here, deeper []string
	for i := range m.Fields().Len() {
		fd := m.Fields().Get(i)
		if fd.JSONName() == key && prefix != "" {
			here = append(here, prefix+key)
		}
		if fd.Message() != nil {
			name := prefix + fd.JSONName()
			if fd.IsList() {
				name += "[]"
			}
			deeper = append(deeper, below(key, fd.Message(), name+".")...)
		}
	}
	return append(here, deeper...)
}
