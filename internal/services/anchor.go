package services

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
)

// Anchorage is where a statement is anchored.
type Anchorage struct {
	TSA     string                        // full endpoint (RFC 3161 over HTTP)
	Rekor   string                        // base URL
	Logs    []checkpoint.Key              // that an answer may be signed with
	Between []*x509.Certificate           // that may stand between the TSA and the root
	Known   []anchor.Entry                // of this statement, from earlier anchors
	Say     func(format string, a ...any) // progress
}

// Anchor has the timestamp authority say when the statement existed, enters
// its signature into the log, and returns the anchor's files, everything in
// them proved. The log is asked last: what it has taken it keeps.
func (a Anchorage) Anchor(ctx context.Context, s anchor.Subject) (map[string][]byte, *anchor.Anchor, error) {
	parts, err := s.Parts()
	if err != nil {
		return nil, nil, err
	}
	m, err := a.timestamps(ctx, s, parts)
	if err != nil {
		return nil, nil, err
	}
	entry, err := a.enter(ctx, parts)
	if err != nil {
		return nil, nil, err
	}
	m.Entry = *entry
	return a.prove(s, m)
}

// timestamps asks for both timestamps: over the statement, and over its
// signature, which is the one that Sigstore's clients look for in a bundle.
func (a Anchorage) timestamps(ctx context.Context, s anchor.Subject, parts anchor.Parts) (m anchor.Material, err error) {
	if m.Timestamp, err = askTimestamp(ctx, a.TSA, parts.Statement); err != nil {
		return m, err
	}
	if m.SignatureTimestamp, err = askTimestamp(ctx, a.TSA, parts.Signature); err != nil {
		return m, err
	}
	if m.Chain, err = anchor.ChainOf(m.Timestamp, s.Root, a.Between); err == nil {
		err = s.CheckTimestamps(m)
	}
	if errors.Is(err, anchor.ErrAnotherRoot) {
		return m, fault.New(fault.Verification, "name an authority under the record's root with --tsa URL, or anchor the record once the plan's authority is renewed under that root (trustroot renew NAME --root N); nothing was written",
			fmt.Errorf("the timestamp authority at %s: %w", shown(a.TSA), err))
	}
	if err != nil {
		return m, wrongAnswer("timestamp authority", a.TSA, err)
	}
	return m, nil
}

// enter asks the log to take the signature. A log that has it already keeps
// that entry: it comes from an earlier anchor, or from the log's tiles.
func (a Anchorage) enter(ctx context.Context, parts anchor.Parts) (*anchor.Entry, error) {
	entry, err := askRekor(ctx, a.Rekor, parts)
	var there *alreadyLoggedError
	if !errors.As(err, &there) {
		return entry, err
	}
	for _, known := range a.Known {
		if known.Index == there.index && slices.ContainsFunc(a.Logs, func(k checkpoint.Key) bool { return signs(k, &known) }) {
			a.Say("%s has the signature already, as entry %d of an earlier anchor; the new one holds that entry again", shown(a.Rekor), known.Index)
			return &known, nil
		}
	}
	a.Say("%s has the signature already, as entry %d; reading its proof from the log", shown(a.Rekor), there.index)
	entry, err = readEntry(ctx, a.Rekor, there.index, parts)
	if err != nil && fault.ExitCode(err) == int(fault.Failure) {
		return nil, fault.New(fault.Failure, "have "+shown(a.Rekor)+" serve the log's checkpoint and tiles beside its entries, as verifiers expect; nothing was written",
			fmt.Errorf("the log has the signature already, as entry %d, and its proof cannot be read: %w", there.index, err))
	}
	return entry, err
}

// signs tells whether a key is the one that an entry's log is known by. Logs
// may leave their ID out of an answer: then the name alone counts.
func signs(k checkpoint.Key, e *anchor.Entry) bool {
	id := k.LogID()
	return k.Origin == e.Origin() && (len(e.LogID) == 0 || bytes.Equal(e.LogID, id[:]))
}

// prove makes the anchor under that of the log's keys which fits.
func (a Anchorage) prove(s anchor.Subject, m anchor.Material) (map[string][]byte, *anchor.Anchor, error) {
	var names []string
	var problems []error
	for _, k := range a.Logs {
		names = append(names, fmt.Sprintf("%s (%x)", k.Origin, k.LogID()))
		if !signs(k, &m.Entry) {
			continue
		}
		id := k.LogID()
		under := m
		under.LogKey, under.Entry.LogID = k.Public, id[:]
		files, proved, err := anchor.New(s, under)
		if err == nil {
			return files, proved, nil
		}
		problems = append(problems, err)
	}
	if len(problems) == 0 {
		problems = append(problems, fmt.Errorf("it answers as the log %s (%x), the ledger knows %s", m.Entry.Origin(), m.Entry.LogID, strings.Join(names, ", ")))
	}
	return nil, nil, wrongAnswer("log", a.Rekor, errors.Join(problems...))
}

// wrongAnswer is about a service that answers, and not what it should.
func wrongAnswer(what, url string, err error) error {
	url = shown(url)
	return fault.New(fault.Verification, "nothing was written; find out what answers at "+url, fmt.Errorf("the %s at %s: %w", what, url, err))
}
