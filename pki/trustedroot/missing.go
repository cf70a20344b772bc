package trustedroot

import (
	"slices"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
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
	for _, e := range slices.Concat(logEntries(after.GetTlogs()), logEntries(after.GetCtlogs()), authorityEntries(after.GetCertificateAuthorities()), authorityEntries(after.GetTimestampAuthorities())) {
		known[e.id] = true
	}
	var words []string
	data, err := only(published, func(list string, e entry) bool {
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
	return only(file, func(_ string, e entry) bool { return !slices.Contains(keys, e.spki) })
}

// only keeps some entries.
func only(file []byte, keep func(list string, e entry) bool) ([]byte, error) {
	root, err := parse(file)
	if err != nil {
		return nil, err
	}
	logs := func(list string, all []*prototrustroot.TransparencyLogInstance) []*prototrustroot.TransparencyLogInstance {
		return slices.DeleteFunc(all, func(l *prototrustroot.TransparencyLogInstance) bool {
			return !keep(list, logEntries([]*prototrustroot.TransparencyLogInstance{l})[0])
		})
	}
	authorities := func(list string, all []*prototrustroot.CertificateAuthority) []*prototrustroot.CertificateAuthority {
		return slices.DeleteFunc(all, func(a *prototrustroot.CertificateAuthority) bool {
			return !keep(list, authorityEntries([]*prototrustroot.CertificateAuthority{a})[0])
		})
	}
	root.Tlogs, root.Ctlogs = logs("tlogs", root.GetTlogs()), logs("ctlogs", root.GetCtlogs())
	root.CertificateAuthorities = authorities("certificateAuthorities", root.GetCertificateAuthorities())
	root.TimestampAuthorities = authorities("timestampAuthorities", root.GetTimestampAuthorities())
	return encode(root)
}
