package adopt

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Remade is one difference between the trusted root in use and the rebuilt
// one, with its reason.
type Remade struct {
	Path   string `json:"path"` // in the file where it stands: the old one, or the new for what is added
	Name   string `json:"name"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

// remade lists how the rebuilt file differs from the one in use. Entries are
// the same when their key or first certificate is.
func remade(a *Adoption, built []byte) ([]Remade, error) {
	after, err := parseOldRoot("the rebuilt file", built)
	if err != nil {
		return nil, err
	}
	var out []Remade
	add := func(path, name, reason, format string, args ...any) {
		out = append(out, Remade{Path: path, Name: name, Text: fmt.Sprintf(format, args...), Reason: reason})
	}
	if a.old.media != after.media {
		add("$.mediaType", "", "sigstore-go, sigstore-python and sigstore-java accept this one alone", "was %q, is %q", a.old.media, after.media)
	}
	for i := range a.old.entries {
		was := &a.old.entries[i]
		now := after.entryOf(was.id)
		if now == nil {
			add(was.path, was.uri, "what no certificate or log of the ledger stands for is not written; if it ever signed, adopt it too", "is gone")
			continue
		}
		compareEntry(was, now, add)
	}
	for i := range after.entries {
		if now := &after.entries[i]; a.old.entryOf(now.id) == nil {
			add(now.path, now.uri, "its certificate or key was among the files: every generation that ever signed must be there, or its signatures are rejected", "is new, valid from %s to %s", timeText(now.start, "always"), timeText(now.end, "open"))
		}
	}
	return out, nil
}

func compareEntry(was, now *oldEntry, add func(path, name, reason, format string, args ...any)) {
	if was.onInstance {
		add(was.path+".validFor", was.uri, "a log's window belongs to its key: strict parsers refuse the file, lenient ones take the key for open-ended", "moves into publicKey")
	}
	if was.list != now.list {
		add(was.path, was.uri, "it belongs in that list by its kind", "moves to %s", now.list)
	}
	if was.uri != now.uri {
		add(was.path, was.uri, "the one form that plans and signing configs write", "its URL is %s", now.uri)
	}
	if was.subject != now.subject {
		add(was.path+".subject", was.uri, "it is that of the chain's last certificate (protobuf-specs)", "was %s, is %s", was.subject, now.subject)
	}
	if was.key != nil && was.keyID != now.keyID {
		add(was.path+".logId", was.uri, "a log ID is the SHA-256 of the key", "was %s, is %s", was.keyID, now.keyID)
	}
	if !slices.EqualFunc(was.chain, now.chain, (*x509.Certificate).Equal) {
		add(was.path+".certChain", was.uri, "a chain goes leaf-first to the root, whole", "was %s, is %s", chainText(was), chainText(now))
	}
	if !sameTime(was.start, now.start) {
		reason := "a window opens with the certificate, or when the log began to sign"
		if was.start == nil {
			reason = "sigstore-go refuses an entry without a start"
		}
		add(was.path, was.uri, reason, "its window opens %s, in the file in use %s", timeText(now.start, "never"), timeText(was.start, "always"))
	}
	if !sameTime(was.end, now.end) {
		reason := "the switch was seen then: what the old key signed until that instant stays valid"
		if now.end == nil {
			reason = "no newer generation took over, or its use was not seen yet: an end would reject what is still signed"
		}
		add(was.path, was.uri, reason, "its window ends %s, in the file in use %s", timeText(now.end, "never"), timeText(was.end, "never"))
	}
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

func timeText(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return trustdir.Stamp(*t)
}

func chainText(e *oldEntry) string {
	names := make([]string, 0, len(e.chain))
	for _, c := range e.chain {
		names = append(names, c.Subject.CommonName)
	}
	return strings.Join(names, " < ")
}
