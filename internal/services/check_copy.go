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
func (q *inquiry) askCopy(ctx context.Context) {
	if form, err := fs.ReadFile(q.source.Files, consumersDir+path.Base(q.URL)); err == nil {
		q.askForm(ctx, path.Base(q.URL), form)
		return
	}
	local, ok := q.local(localTrustedRoot)
	if !ok {
		return
	}
	data, err := q.web.fetch(ctx, q.URL, maxCopy)
	switch {
	case errors.Is(err, errTooLarge) || isWeb(q.URL) && err != nil:
		q.silence("", q.URL, err)
		return
	case err != nil:
		q.unanswered("unreadable", "check the path", "it cannot be read: %v", err)
		return
	}
	q.drift(data, local, "replace it by "+localTrustedRoot)
}

// consumersDir holds the rendered forms of the trust root.
const consumersDir = "trust/consumers/"

// askForm compares a copy of a rendered form, by its name, with the trust
// directory's.
func (q *inquiry) askForm(ctx context.Context, name string, form []byte) {
	data, err := q.web.fetch(ctx, q.URL, maxCopy)
	switch {
	case err != nil && isWeb(q.URL):
		q.silence("", q.URL, err)
	case err != nil:
		q.unanswered("unreadable", "check the path", "it cannot be read: %v", err)
	case !bytes.Equal(data, form):
		q.mismatch("drift", "replace it by "+consumersDir+name+", or apply that again", "it is not the %s that ledger and plan render now", name)
	}
}

// drift names how a trusted root differs from the trust directory's: what it
// lacks, what it has beyond, and what it says differently.
func (q *inquiry) drift(data, local []byte, repair string) {
	if bytes.Equal(data, local) {
		return
	}
	lacks, err := trustedroot.Diff(data, local)
	for _, c := range lacks {
		q.mismatch("stale", repair, "stale: %s", q.lack(c))
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
		q.mismatch("drift", "find out where it comes from; if this directory is behind, bring it up to date", "drift: %s", q.surplus(c))
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		told := func(c trustedroot.Change) bool { return strings.Contains(line, c.KeyID) }
		if !slices.ContainsFunc(beyond, told) {
			q.mismatch("drift", "find out who changed it, then "+repair, "drift: against %s, %s", localTrustedRoot, line)
		}
	}
}

// entryOf names an entry in the ledger's words, or in the file's own.
func (q *inquiry) entryOf(c trustedroot.Change) string {
	if k, ok := q.known[c.KeyID]; ok {
		return fmt.Sprintf("generation %d of %s", k.generation.Number, k.name)
	}
	return c.Name + " (" + c.KeyID + ")"
}

// lack says what a copy does not have.
func (q *inquiry) lack(c trustedroot.Change) string {
	switch c.Kind {
	case trustedroot.Added:
		return "lacks " + q.entryOf(c)
	case trustedroot.Closed:
		return "leaves " + q.entryOf(c) + " open, which " + firstSentence(c.Text)
	default:
		return "has an older end of " + q.entryOf(c) + ", which " + firstSentence(c.Text)
	}
}

// surplus says what a copy has that the trust directory's file has not.
func (q *inquiry) surplus(c trustedroot.Change) string {
	if c.Kind == trustedroot.Added {
		return "has " + q.entryOf(c) + ", which " + localTrustedRoot + " does not have"
	}
	return "closes " + q.entryOf(c) + ", which " + localTrustedRoot + " does not: it " + firstSentence(c.Text)
}

// firstSentence leaves out what a change means for clients.
func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return sentence
}
