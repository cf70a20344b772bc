package trustedroot

import (
	"fmt"
	"slices"
)

// Without returns a trusted root without the entries at some JSON paths, as
// judge.BundleResult.Needs names them: the file of somebody who never got that
// generation.
func Without(trustedRoot []byte, paths ...string) ([]byte, error) {
	msg, err := parse(trustedRoot)
	if err != nil {
		return nil, err
	}
	gone := func(list string, i int) bool { return slices.Contains(paths, fmt.Sprintf("$.%s[%d]", list, i)) }
	msg.Tlogs = keep(msg.Tlogs, "tlogs", gone)
	msg.CertificateAuthorities = keep(msg.CertificateAuthorities, "certificateAuthorities", gone)
	msg.Ctlogs = keep(msg.Ctlogs, "ctlogs", gone)
	msg.TimestampAuthorities = keep(msg.TimestampAuthorities, "timestampAuthorities", gone)
	return encode(msg)
}

func keep[E any](entries []E, list string, gone func(string, int) bool) []E {
	var kept []E
	for i, e := range entries {
		if !gone(list, i) {
			kept = append(kept, e)
		}
	}
	return kept
}
