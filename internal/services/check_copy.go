package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// askCopy compares a copy of trusted_root.json with the trust directory's.
func askCopy(ctx context.Context, q *inquiry) {
	if form, err := fs.ReadFile(q.source.Files, consumersDir+path.Base(q.URL)); err == nil {
		askForm(ctx, q, path.Base(q.URL), form)
		return
	}
	local, ok := local(q, localTrustedRoot)
	if !ok {
		return
	}
	data, err := q.web.fetch(ctx, q.URL, maxCopy)
	switch {
	case errors.Is(err, errTooLarge) || isWeb(q.URL) && err != nil:
		silence(q, "", q.URL, err)
		return
	case err != nil:
		unanswered(q, "unreadable", "check the path", "it cannot be read: %v", err)
		return
	}
	drift(q, data, local, "replace it by "+localTrustedRoot)
}

// consumersDir holds the rendered forms of the trust root.
const consumersDir = "trust/consumers/"

// askForm compares a copy of a rendered form, by its name, with the trust
// directory's.
func askForm(ctx context.Context, q *inquiry, name string, form []byte) {
	data, err := q.web.fetch(ctx, q.URL, maxCopy)
	switch {
	case err != nil && isWeb(q.URL):
		silence(q, "", q.URL, err)
	case err != nil:
		unanswered(q, "unreadable", "check the path", "it cannot be read: %v", err)
	case !bytes.Equal(data, form):
		q.mismatch("drift", "replace it by "+consumersDir+name+", or apply that again", "it is not the %s that ledger and plan render now", name)
	}
}

// drift names how a trusted root differs from the trust directory's: what it
// lacks, what it has beyond, and what it says differently.
func drift(q *inquiry, data, local []byte, repair string) {
	if bytes.Equal(data, local) {
		return
	}
	lacks, err := trustedroot.Diff(data, local)
	for _, c := range lacks {
		q.mismatch("stale", repair, "stale: %s", lack(q, c))
	}
	if err == nil {
		if len(lacks) == 0 {
			q.notice("other-bytes", repair, "it says the same as %s in other bytes", localTrustedRoot)
		}
		return
	}
	if _, broken := judge.Check(data); broken != nil {
		q.mismatch("bad-answer", repair, "it is not a trusted_root.json: %v", broken)
		return
	}
	// seen from the other side, what it has beyond is a change by name
	beyond, _ := trustedroot.Diff(local, data) // err has every line of it
	for _, c := range beyond {
		q.mismatch("drift", "find out where it comes from; if this directory is behind, bring it up to date", "drift: %s", surplus(q, c))
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		told := func(c trustedroot.Change) bool { return strings.Contains(line, c.KeyID) }
		if !slices.ContainsFunc(beyond, told) {
			q.mismatch("drift", "find out who changed it, then "+repair, "drift: against %s, %s", localTrustedRoot, line)
		}
	}
}

// entryOf names an entry in the ledger's words, or in the file's own.
func entryOf(q *inquiry, c trustedroot.Change) string {
	if k, ok := q.known[c.KeyID]; ok {
		return fmt.Sprintf("generation %d of %s", k.generation.Number, k.name)
	}
	return c.Name + " (" + c.KeyID + ")"
}

// lack says what a copy does not have.
func lack(q *inquiry, c trustedroot.Change) string {
	switch c.Kind {
	case trustedroot.Added:
		return "lacks " + entryOf(q, c)
	case trustedroot.Closed:
		return "leaves " + entryOf(q, c) + " open, which " + firstSentence(c.Text)
	default:
		return "has an older end of " + entryOf(q, c) + ", which " + firstSentence(c.Text)
	}
}

// surplus says what a copy has that the trust directory's file has not.
func surplus(q *inquiry, c trustedroot.Change) string {
	if c.Kind == trustedroot.Added {
		return "has " + entryOf(q, c) + ", which " + localTrustedRoot + " does not have"
	}
	return "closes " + entryOf(q, c) + ", which " + localTrustedRoot + " does not: it " + firstSentence(c.Text)
}

// firstSentence leaves out what a change means for clients.
func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return sentence
}
