package trustedroot

import (
	"fmt"
	"slices"
)

// Missing returns the entries of a published trusted root whose key or
// certificate a derived one does not have, as a trusted root of their own, and
// each in words. It is nil where none is missing.
func Missing(published, derived []byte) ([]byte, []string, error) {
	after, err := parse(derived)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, entries := range entriesOf(after) {
		for _, e := range entries {
			known[e.id] = true
		}
	}
	var words []string
	data, err := only(published, func(list string, _ int, e entry) bool {
		if !known[e.id] {
			words = append(words, list+": "+e.name+", key ID "+e.keyID+", valid "+rangeText(e.window))
		}
		return !known[e.id]
	})
	if len(words) == 0 {
		data = nil
	}
	return data, words, err
}

// WithoutKeys returns a trusted root without the entries of some keys, hex SHA-256
// of each.
func WithoutKeys(file []byte, keys ...string) ([]byte, error) {
	return only(file, func(_ string, _ int, e entry) bool { return !slices.Contains(keys, e.spki) })
}

// Without returns a trusted root without the entries at some JSON paths, as
// judge.BundleResult.Needs names them: the file of somebody who never got that
// generation.
func Without(file []byte, paths ...string) ([]byte, error) {
	return only(file, func(list string, i int, _ entry) bool {
		return !slices.Contains(paths, fmt.Sprintf("$.%s[%d]", list, i))
	})
}

// only keeps some entries.
func only(file []byte, keep func(list string, i int, e entry) bool) ([]byte, error) {
	root, err := parse(file)
	if err != nil {
		return nil, err
	}
	root.Tlogs, root.Ctlogs = kept("tlogs", root.Tlogs, logEntry, keep), kept("ctlogs", root.Ctlogs, logEntry, keep)
	root.CertificateAuthorities = kept("certificateAuthorities", root.CertificateAuthorities, authorityEntry, keep)
	root.TimestampAuthorities = kept("timestampAuthorities", root.TimestampAuthorities, authorityEntry, keep)
	return encode(root)
}

func kept[T any](list string, all []T, entryOf func(T) entry, keep func(list string, i int, e entry) bool) []T {
	var out []T
	for i, e := range all {
		if keep(list, i, entryOf(e)) {
			out = append(out, e)
		}
	}
	return out
}
