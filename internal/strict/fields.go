package strict

import (
	"reflect"
	"strings"
)

// Fields maps the names that a struct type takes in a format to its fields.
// The names come from the tag with that key ("json", "yaml"); the fields of an
// embedded struct without a name of its own, or marked inline, are the outer
// one's.
func Fields(t reflect.Type, tag string) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get(tag), ",")
		inline := f.Anonymous && name == "" || strings.Contains(options, "inline")
		switch {
		case name == "-" && options == "":
		case inline && f.Type.Kind() == reflect.Struct:
			for n, inner := range Fields(f.Type, tag) {
				if _, taken := fields[n]; !taken {
					inner.Index = append(append([]int{}, f.Index...), inner.Index...)
					fields[n] = inner
				}
			}
		case !f.IsExported():
		default:
			if name == "" {
				name = f.Name
			}
			fields[name] = f
		}
	}
	return fields
}

// Closest returns the known name that a person who wrote name may have meant,
// or "".
func Closest(name string, fields map[string]reflect.StructField) string {
	best, distance := "", 3
	for known := range fields {
		d := edits(strings.ToLower(name), known)
		if d < distance || d == distance && best != "" && known < best {
			best, distance = known, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short strings.
func edits(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
