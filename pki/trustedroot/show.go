package trustedroot

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
)

// View is a trusted root as people look at it.
type View struct {
	At    time.Time `json:"at"`
	Roles []Role    `json:"roles"`
	// Overlaps are the times in which a service has several valid generations,
	// Mixes those in which one service is past its renewal and another before.
	Overlaps []Period `json:"overlaps,omitempty"`
	Mixes    []Period `json:"mixes,omitempty"`
}

// Role is one list of a trusted root.
type Role struct {
	Name    string  `json:"name"`  // as in the file: tlogs
	Title   string  `json:"title"` // Rekor logs
	Entries []Entry `json:"entries"`
}

// Entry is one generation.
type Entry struct {
	Path        string     `json:"path"`
	Name        string     `json:"name"`                 // URL of the service
	Subject     string     `json:"subject,omitempty"`    // of an authority's first certificate
	Fingerprint string     `json:"fingerprint"`          // hex SHA-256: a log's ID, or of an authority's first certificate
	Root        string     `json:"root,omitempty"`       // hex SHA-256 of an authority's last certificate
	Key         string     `json:"key"`                  // ECDSA P-256
	Start       time.Time  `json:"start"`                // zero where the file has none
	End         *time.Time `json:"end,omitempty"`        // nil while open
	CertUntil   *time.Time `json:"cert_until,omitempty"` // the last instant at which the chain is valid
	Current     bool       `json:"current"`
	Compromised bool       `json:"compromised,omitempty"` // its key, or one of its chain
	span        span
	keys        []string // hex SHA-256 of a log's key, or of each of the chain's
}

// Period is a time and what holds in it.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Text string    `json:"text"`
}

// Show returns the view of a trusted root at an instant. What sigstore-go
// refuses is refused. compromised are the hex SHA-256 of keys (SPKI) that are.
func Show(data []byte, at time.Time, compromised ...string) (*View, error) {
	msg, err := parse(data)
	if err != nil {
		return nil, err
	}
	v := newView(msg, at)
	for _, r := range v.Roles {
		for i := range r.Entries {
			e := &r.Entries[i]
			e.Compromised = slices.ContainsFunc(e.keys, func(key string) bool { return slices.Contains(compromised, key) })
		}
	}
	return v, nil
}

func newView(msg *prototrustroot.TrustedRoot, at time.Time) *View {
	v := &View{At: at.UTC(), Roles: []Role{
		{Name: "tlogs", Title: "Rekor logs", Entries: showLogs("tlogs", msg.GetTlogs(), at)},
		{Name: "certificateAuthorities", Title: "Fulcio CAs", Entries: showAuthorities("certificateAuthorities", msg.GetCertificateAuthorities(), at)},
		{Name: "ctlogs", Title: "CT logs", Entries: showLogs("ctlogs", msg.GetCtlogs(), at)},
		{Name: "timestampAuthorities", Title: "Timestamp authorities", Entries: showAuthorities("timestampAuthorities", msg.GetTimestampAuthorities(), at)},
	}}
	v.periods()
	return v
}

func showLogs(list string, logs []*prototrustroot.TransparencyLogInstance, at time.Time) []Entry {
	out := make([]Entry, len(logs))
	for i, l := range logs {
		e := newEntry(fmt.Sprintf("$.%s[%d]", list, i), l.GetBaseUrl(), l.GetPublicKey().GetValidFor())
		e.Fingerprint = hex.EncodeToString(l.GetLogId().GetKeyId())
		e.keys = []string{e.Fingerprint}
		if key, err := x509.ParsePKIXPublicKey(l.GetPublicKey().GetRawBytes()); err == nil {
			e.Key = keyName(key)
		} else {
			e.Key = l.GetPublicKey().GetKeyDetails().String()
		}
		e.Current = e.span.contains(at)
		out[i] = e
	}
	return out
}

func showAuthorities(list string, authorities []*prototrustroot.CertificateAuthority, at time.Time) []Entry {
	out := make([]Entry, len(authorities))
	for i, a := range authorities {
		e := newEntry(fmt.Sprintf("$.%s[%d]", list, i), a.GetUri(), a.GetValidFor())
		var chain []*x509.Certificate
		for _, c := range a.GetCertChain().GetCertificates() {
			if cert, err := x509.ParseCertificate(c.GetRawBytes()); err == nil {
				chain = append(chain, cert)
				e.keys = append(e.keys, spkiDigest(cert))
			}
		}
		if len(chain) > 0 {
			first, last := sha256.Sum256(chain[0].Raw), sha256.Sum256(chain[len(chain)-1].Raw)
			e.Fingerprint, e.Root = hex.EncodeToString(first[:]), hex.EncodeToString(last[:])
			e.Subject, e.Key = chain[0].Subject.String(), keyName(chain[0].PublicKey)
			e.span.certStart, e.span.certEnd = chainValidity(chain)
			until := e.span.certEnd.UTC()
			e.CertUntil = &until
		}
		e.Current = e.span.contains(at)
		out[i] = e
	}
	return out
}

func newEntry(path, name string, r *protocommon.TimeRange) Entry {
	e := Entry{Path: path, Name: name, span: newSpan(path, name, r)}
	e.Start = e.span.start.UTC()
	if e.span.hasEnd {
		end := e.span.end.UTC()
		e.End = &end
	}
	return e
}

// periods fills Overlaps and Mixes.
func (v *View) periods() {
	var services [][]span
	for _, r := range v.Roles {
		spans := make([]span, len(r.Entries))
		for i, e := range r.Entries {
			spans[i] = e.span
		}
		slices.SortStableFunc(spans, func(a, b span) int { return a.start.Compare(b.start) })
		for _, group := range owners(spans) {
			if len(group) > 1 {
				services = append(services, group)
			}
		}
	}
	for _, s := range services {
		last := s[0] // the one that lasts longest so far
		for _, next := range s[1:] {
			until, end := last.until(), next.until()
			if until.IsZero() || next.start.Before(until) {
				v.Overlaps = append(v.Overlaps, Period{From: next.start, To: earlier(until, end), Text: fmt.Sprintf("%s: %s and %s are both valid", next.owner, last.path, next.path)})
			}
			if earlier(until, end).Equal(until) {
				last = next
			}
		}
	}
	for i, a := range services {
		for _, b := range services[i+1:] {
			v.mix(a, b)
			v.mix(b, a)
		}
	}
}

// earlier returns the earlier of two ends, where the zero time is not an end.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// mix notes the times in which one service accepts the generation of a renewal
// only, while another has not opened its own: the one that begins nearest to it.
func (v *View) mix(ahead, behind []span) {
	for i, newer := range ahead[1:] {
		switched, other := ahead[i].until(), behind[0]
		for _, s := range behind[1:] {
			if s.start.Sub(newer.start).Abs() < other.start.Sub(newer.start).Abs() {
				other = s
			}
		}
		if other == behind[0] || switched.IsZero() || !switched.Before(other.start) || other.start.Before(newer.start) {
			continue
		}
		v.Mixes = append(v.Mixes, Period{From: switched, To: other.start, Text: fmt.Sprintf("%s accepts its new generation only, %s its old one only", newer.owner, other.owner)})
	}
}

// label is the short form of an entry's name.
func (e Entry) label() string {
	name := strings.TrimPrefix(strings.TrimPrefix(e.Name, "https://"), "http://")
	if e.Subject != "" {
		return e.Subject
	}
	return name
}
