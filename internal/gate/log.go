package gate

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// logStep wants a log entry that holds by itself: proved, of this signature, and
// with every signed time in the window of its log's key. Where the policy wants
// both sides, one of each must. It returns the times that such entries sign. An
// entry is rebuilt with the signer's key, so one by an unknown key cannot be
// judged.
func (g *Gate) logStep(e *evidence, m root.TrustedMaterial, whole *verify.VerificationResult, signatureHolds bool, stamps []root.Timestamp) (Check, []root.Timestamp) {
	c := Check{Name: "log", State: Passed}
	if !signatureHolds {
		c.State, c.Detail = Skipped, "the signature does not hold"
		return c, nil
	}
	if len(e.bundle.entries) == 0 {
		c.State, c.Detail = Failed, "the bundle has no log entry"
		return c, nil
	}
	var times []root.Timestamp
	var reasons, urls, notes []string
	missing := sides(g.policy.Trust.Log)
	for _, entry := range e.bundle.entries {
		l := m.RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]
		if l == nil {
			reasons = append(reasons, fmt.Sprintf("no log that the policy counts has the ID %x", entry.LogKeyID()))
			continue
		}
		signed, note, err := g.entry(e, m, whole, entry, l, stamps)
		if err != nil {
			reasons = append(reasons, strings.Join(strings.Fields(err.Error()), " ")) // some causes span lines
			continue
		}
		times = append(times, signed...)
		urls = append(urls, l.BaseURL)
		if note != "" {
			notes = append(notes, note)
		}
		missing = slices.DeleteFunc(missing, func(side string) bool { return g.policy.Trust.counts(side, l.BaseURL) })
	}
	c.Got, c.Detail = strings.Join(urls, " and "), strings.Join(notes, "; ")
	if len(missing) > 0 {
		c.State = Failed
		if c.Detail = strings.Join(reasons, "; "); c.Detail == "" {
			c.Detail = "no entry is of the " + missing[0] + " log"
		}
	}
	return c, times
}

// entry verifies one entry, and returns the time that its log signed, if it
// did, and what is worth saying of it all the same.
func (g *Gate) entry(e *evidence, m root.TrustedMaterial, whole *verify.VerificationResult, entry *tlog.Entry, l *root.TransparencyLog, stamps []root.Timestamp) ([]root.Timestamp, string, error) {
	signed, err := e.logged(m, whole, entry)
	if err != nil {
		return nil, "", e.explainLog(entry, err)
	}
	for _, t := range slices.Concat(stamps, signed) {
		if err := inWindow(l, t.Time); err != nil {
			return nil, "", err
		}
	}
	var before heads
	if len(signed) == 0 {
		before = g.restsOn(e, m)
	}
	note, err := g.tied(entry, l, before)
	return signed, note, err
}

// logged verifies one entry by itself. The only one of a bundle that holds as a
// whole was verified with it.
func (e *evidence) logged(m root.TrustedMaterial, whole *verify.VerificationResult, entry *tlog.Entry) ([]root.Timestamp, error) {
	if whole == nil || len(e.bundle.entries) > 1 {
		return verify.VerifyTlogEntry(entity{e.bundle.Bundle, []*tlog.Entry{entry}}, m, 1, true)
	}
	var signed []root.Timestamp
	for _, t := range whole.VerifiedTimestamps {
		if t.Type == "Tlog" {
			signed = append(signed, root.Timestamp{Time: t.Timestamp, URI: t.URI})
		}
	}
	return signed, nil
}

// inWindow wants a signed time in the window of a log's key. sigstore-go looks
// at the window of a Rekor v2 log nowhere (pkg/verify, VerifyTlogEntry): a key
// that was stolen and closed could log for ever.
func inWindow(l *root.TransparencyLog, t time.Time) error {
	after, before := l.ValidityPeriodStart, l.ValidityPeriodEnd
	if t.Before(after) || !before.IsZero() && t.After(before) {
		return fmt.Errorf("the key of the log %s is valid from %s to %s, and the signature was made at %s",
			l.BaseURL, instant(after), instant(before), instant(t))
	}
	return nil
}

// instant writes a bound of a window.
func instant(t time.Time) string {
	if t.IsZero() {
		return "any time"
	}
	return t.UTC().Format(time.RFC3339)
}

// explainLog says why an entry does not hold.
func (e *evidence) explainLog(entry *tlog.Entry, err error) error {
	digest, _, ok := entry.GetHashedRekordDigest()
	if ok && e.sc.MessageSignatureContent() != nil && !bytes.Equal(digest, e.stated[0].Digest) {
		return errors.New("the log entry is of another artifact, " + hex.EncodeToString(digest))
	}
	if !bytes.Equal(entry.Signature(), e.sc.Signature()) {
		return errors.New("the log entry is of another signature")
	}
	return err
}
