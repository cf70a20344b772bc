package trustedroot

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/proto"
)

// mergeLog appends a log instance that is not there yet. The same key with
// other content is refused: clients look logs up by their key ID and would see
// only one of the two.
func mergeLog(list *[]*prototrustroot.TransparencyLogInstance, l *prototrustroot.TransparencyLogInstance) error {
	for _, have := range *list {
		if !bytes.Equal(have.GetLogId().GetKeyId(), l.GetLogId().GetKeyId()) {
			continue
		}
		if proto.Equal(have, l) {
			return nil
		}
		return fmt.Errorf("log %s: is here already with other content", hex.EncodeToString(l.GetLogId().GetKeyId()))
	}
	*list = append(*list, l)
	return nil
}

// mergeAuthorities appends the authorities that are not there yet.
func mergeAuthorities(list, more []*prototrustroot.CertificateAuthority) []*prototrustroot.CertificateAuthority {
	for _, a := range more {
		if !slices.ContainsFunc(list, func(have *prototrustroot.CertificateAuthority) bool { return proto.Equal(have, a) }) {
			list = append(list, a)
		}
	}
	return list
}

// sortEntries orders every list by the start of its window and then by key ID:
// of a log the log ID, of an authority the SHA-256 of its first certificate's
// public key. What is still equal goes by certificate and URL.
func sortEntries(root *prototrustroot.TrustedRoot) {
	byLog := func(a, b *prototrustroot.TransparencyLogInstance) int {
		return cmp.Or(
			startOf(a.GetPublicKey().GetValidFor()).Compare(startOf(b.GetPublicKey().GetValidFor())),
			bytes.Compare(a.GetLogId().GetKeyId(), b.GetLogId().GetKeyId()))
	}
	byAuthority := func(a, b *prototrustroot.CertificateAuthority) int {
		return cmp.Or(
			startOf(a.GetValidFor()).Compare(startOf(b.GetValidFor())),
			bytes.Compare(authorityKeyID(a), authorityKeyID(b)),
			bytes.Compare(firstCertificate(a), firstCertificate(b)),
			cmp.Compare(a.GetUri(), b.GetUri()))
	}
	slices.SortStableFunc(root.Tlogs, byLog)
	slices.SortStableFunc(root.Ctlogs, byLog)
	slices.SortStableFunc(root.CertificateAuthorities, byAuthority)
	slices.SortStableFunc(root.TimestampAuthorities, byAuthority)
}

// startOf returns the start of a range, or the zero time where it has none.
func startOf(r *protocommon.TimeRange) time.Time {
	if r.GetStart() == nil {
		return time.Time{}
	}
	return r.GetStart().AsTime()
}

func firstCertificate(a *prototrustroot.CertificateAuthority) []byte {
	if certs := a.GetCertChain().GetCertificates(); len(certs) > 0 {
		return certs[0].GetRawBytes()
	}
	return nil
}

func authorityKeyID(a *prototrustroot.CertificateAuthority) []byte {
	cert, err := x509.ParseCertificate(firstCertificate(a))
	if err != nil {
		return nil // parse has refused such an entry
	}
	digest := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return digest[:]
}

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
