// Package plan reads pki.yaml: what should exist, written by people and
// reviewed before the day.
//
// It refuses everything that it does not understand: unknown fields, duplicate
// keys, values of another type or unit, YAML's anchors, aliases, merge keys and
// tags, and anything that no ceremony should carry out. It reports all problems
// at once, each with its line, column, field path and what to write instead.
// Only whether a key is pinned yet is left open: Pinned asks that before a
// request is made.
//
// It imports pki, templates, internal/strict, internal/fault
// and goccy/go-yaml. The schema that editors use is made by its tests.
package plan
