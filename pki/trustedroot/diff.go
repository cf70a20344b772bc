package trustedroot

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/proto"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Kinds of change that a newer trusted root may show.
const (
	Added     = "added"     // an entry that the older file does not have
	Closed    = "closed"    // an open window has got an end
	Shortened = "shortened" // a closed window ends earlier, as after a compromise
	Repaired  = "repaired"  // a URL in another form, or the subject beside a chain: no verifier reads either
	Left      = "left"      // an entry over a compromised key that the ledger took out
)

// Change is one difference between two trusted roots.
type Change struct {
	Kind  string `json:"kind"`
	Path  string `json:"path"`   // JSON path in the newer file
	Name  string `json:"name"`   // URL of the service
	KeyID string `json:"key_id"` // hex SHA-256: a log's ID, or of an authority's first certificate
	Text  string `json:"text"`
}

// String writes a change as one line.
func (c Change) String() string {
	return fmt.Sprintf("%s: %s %s (%s): %s", c.Kind, c.Path, c.Name, c.KeyID, c.Text)
}

// Diff returns what a newer trusted root changes, in its own order: entries
// added and windows closed. Everything else is refused: an entry that vanished,
// moved to another role or says something else now, a window that starts at
// another time or ends later than it did. Signatures of the past live by what
// was published. The error joins all of that and carries fault.Verification;
// the changes that are allowed are returned beside it. left are the hex SHA-256
// of keys (SPKI) whose entries the ledger took out after a compromise.
func Diff(oldFile, newFile []byte, left ...string) ([]Change, error) {
	before, err := parse(oldFile)
	if err != nil {
		return nil, fmt.Errorf("old file: %w", err)
	}
	after, err := parse(newFile)
	if err != nil {
		return nil, fmt.Errorf("new file: %w", err)
	}
	d := &differ{left: left}
	older, newer := entriesOf(before), entriesOf(after)
	for _, list := range lists {
		d.list(list, older[list], newer[list])
	}
	if err := errors.Join(d.problems...); err != nil {
		return d.changes, fault.New(fault.Verification,
			"Do not sign or publish the new file: build it from a ledger that has every entry of the old one.", err)
	}
	return d.changes, nil
}

// entry is what logs and authorities have in common.
type entry struct {
	id     string // what makes it the same entry: key, or chain
	name   string
	keyID  string
	spki   string // hex SHA-256 of the key; of an authority's first certificate
	window *protocommon.TimeRange
	rest   proto.Message // everything but the window
}

// lists are the lists of a trusted root, in the order of its schema.
var lists = []string{"tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"}

// entriesOf returns the entries of a trusted root by list.
func entriesOf(root *prototrustroot.TrustedRoot) map[string][]entry {
	return map[string][]entry{
		"tlogs": each(root.GetTlogs(), logEntry), "certificateAuthorities": each(root.GetCertificateAuthorities(), authorityEntry),
		"ctlogs": each(root.GetCtlogs(), logEntry), "timestampAuthorities": each(root.GetTimestampAuthorities(), authorityEntry),
	}
}

func each[T, V any](list []T, f func(T) V) []V {
	out := make([]V, len(list))
	for i, e := range list {
		out[i] = f(e)
	}
	return out
}

func logEntry(l *prototrustroot.TransparencyLogInstance) entry {
	rest, id := proto.CloneOf(l), hex.EncodeToString(l.GetLogId().GetKeyId())
	rest.PublicKey.ValidFor = nil
	return entry{
		id: string(l.GetPublicKey().GetRawBytes()), name: l.GetBaseUrl(), keyID: id, spki: id,
		window: l.GetPublicKey().GetValidFor(), rest: rest,
	}
}

func authorityEntry(a *prototrustroot.CertificateAuthority) entry {
	rest, first := proto.CloneOf(a), firstCertificate(a)
	rest.ValidFor = nil
	e := entry{id: string(first), name: a.GetUri(), keyID: digest.Hex(first), window: a.GetValidFor(), rest: rest}
	if c, err := x509.ParseCertificate(first); err == nil {
		e.spki = spkiDigest(c)
	}
	return e
}

type differ struct {
	left     []string
	changes  []Change
	problems []error
}

func (d *differ) list(list string, before, after []entry) {
	taken := make([]bool, len(before))
	for i, now := range after {
		path := fmt.Sprintf("$.%s[%d]", list, i)
		j := find(before, taken, now)
		if j < 0 {
			d.changes = append(d.changes, Change{Kind: Added, Path: path, Name: now.name, KeyID: now.keyID, Text: "valid " + rangeText(now.window)})
			continue
		}
		taken[j] = true
		d.entry(list, path, before[j], now)
	}
	for j, was := range before {
		switch {
		case taken[j]:
		case slices.Contains(d.left, was.spki):
			d.changes = append(d.changes, Change{Kind: Left, Path: fmt.Sprintf("$.%s[%d]", list, j), Name: was.name, KeyID: was.keyID,
				Text: "the ledger took the entry out after a compromise: every bundle that rests on it alone is rejected from now on"})
		default:
			d.problems = append(d.problems, fmt.Errorf("$.%s[%d] of the old file, %s (%s), is gone", list, j, was.name, was.keyID))
		}
	}
}

// find returns the older entry that an entry continues, the one with equal
// content first, or -1.
func find(before []entry, taken []bool, now entry) int {
	found := -1
	for j, was := range before {
		if taken[j] || was.id != now.id {
			continue
		}
		if proto.Equal(was.rest, now.rest) && proto.Equal(was.window, now.window) {
			return j
		}
		if found < 0 {
			found = j
		}
	}
	return found
}

func (d *differ) entry(list, path string, was, now entry) {
	refuse := func(format string, args ...any) {
		d.problems = append(d.problems, fmt.Errorf("%s, %s (%s): %s", path, was.name, was.keyID, fmt.Sprintf(format, args...)))
	}
	change := func(kind, text string) {
		d.changes = append(d.changes, Change{Kind: kind, Path: path, Name: now.name, KeyID: now.keyID, Text: text})
	}
	switch {
	case proto.Equal(was.rest, now.rest):
	case proto.Equal(normal(list, was.rest), normal(list, now.rest)):
		change(Repaired, fmt.Sprintf("was %s with another form of URL or subject", was.name))
	default:
		refuse("its content has changed")
	}
	if !proto.Equal(was.window.GetStart(), now.window.GetStart()) {
		refuse("its window was %s and is %s", rangeText(was.window), rangeText(now.window))
		return
	}
	end, newEnd := was.window.GetEnd(), now.window.GetEnd()
	switch {
	case proto.Equal(end, newEnd):
	case newEnd == nil:
		refuse("its window ended %s and is open again", stamp(end.AsTime()))
	case end == nil:
		change(Closed, fmt.Sprintf("ends %s. %s", stamp(newEnd.AsTime()), honours(list)))
	case newEnd.AsTime().Before(end.AsTime()):
		change(Shortened, fmt.Sprintf("ends %s, no longer %s: what was signed between is rejected from now on. %s", stamp(newEnd.AsTime()), stamp(end.AsTime()), honours(list)))
	default:
		refuse("its window ended %s and ends %s", stamp(end.AsTime()), stamp(newEnd.AsTime()))
	}
}

// normal returns an entry without what people write in more than one form: the
// slash at the end of a URL, the case of its host, a TSA's path, and the
// subject that stands beside a chain.
func normal(list string, m proto.Message) proto.Message {
	form := func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil {
			return raw
		}
		u.Host = strings.ToLower(u.Host)
		if list == "timestampAuthorities" {
			u.Path = ""
		}
		return strings.TrimRight(u.String(), "/")
	}
	m = proto.Clone(m)
	switch e := m.(type) {
	case *prototrustroot.TransparencyLogInstance:
		e.BaseUrl = form(e.GetBaseUrl())
	case *prototrustroot.CertificateAuthority:
		e.Uri, e.Subject = form(e.GetUri()), nil
	}
	return m
}

// honours says which clients an end stops. Closing a window is not a revocation.
func honours(list string) string {
	switch list {
	case "tlogs":
		return "sigstore-go and cosign do not ask a Rekor v2 key for its window; sigstore-rs drops a log whose window has ended, with all that it proved"
	case "ctlogs":
		return "sigstore-go and cosign reject later certificate timestamps; sigstore-rs drops a log whose window has ended, with all that it proved"
	case "certificateAuthorities":
		return "sigstore-go, cosign and sigstore-js reject later signatures; sigstore-python ignores a CA's window"
	default:
		return "sigstore-go, cosign and sigstore-js reject later timestamps"
	}
}

func rangeText(r *protocommon.TimeRange) string {
	from, to := "always", "open"
	if r.GetStart() != nil {
		from = stamp(r.GetStart().AsTime())
	}
	if r.GetEnd() != nil {
		to = stamp(r.GetEnd().AsTime())
	}
	return fmt.Sprintf("from %s to %s", from, to)
}
