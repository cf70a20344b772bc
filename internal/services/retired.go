package services

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

// LastCheckpoint fetches the checkpoint of a log that is to be retired, from its
// storage at a URL or in a folder, and returns it verified under that
// generation's key. The error carries fault.Verification where it is another
// log's.
func (s *Source) LastCheckpoint(ctx context.Context, name string, number int, place string) ([]byte, error) {
	of := slices.IndexFunc(s.State.Logs[name], func(g ledger.Generation) bool { return g.Number == number })
	if of < 0 {
		return nil, fmt.Errorf("the ledger has no generation %d of log %s", number, name)
	}
	at, data, err := findCheckpoint(ctx, newWeb(Options{Timeout: ask}), place, "/checkpoint", "/api/v2/checkpoint")
	if err != nil {
		return nil, fault.New(fault.Failure, "name where the log's storage is served with --read; nothing was recorded",
			fmt.Errorf("the last checkpoint of %s was not found: %w", name, err))
	}
	if err := checkLast(s, data, s.State.Logs[name][of]); err != nil {
		return nil, fault.New(fault.Verification, "name where the log's own checkpoint is with --read; nothing was recorded", fmt.Errorf("%s: %w", shown(at), err))
	}
	return data, nil
}

func checkLast(s *Source, data []byte, g ledger.Generation) error {
	c, err := parseCheckpoint(data)
	if err != nil {
		return err
	}
	_, pub, err := s.checkpointKey(g)
	if err != nil {
		return err
	}
	if c.Origin != g.Log.Origin {
		return fmt.Errorf("it is of %q, not of %q", firstLine([]byte(c.Origin)), g.Log.Origin)
	}
	return c.verify(g.Log.Kind, pub)
}

// checkGrowth says when a log that is retired has grown, or has become another:
// somebody signs with its key.
func checkGrowth(q *inquiry, c *signedCheckpoint, g ledger.Generation) {
	if g.Retired == nil || g.Retired.Checkpoint == nil {
		return
	}
	data, err := g.Retired.Checkpoint.Read(q.source.Files)
	var last *signedCheckpoint
	if err == nil {
		last, err = parseCheckpoint(data)
	}
	const repair = "find out who has its key: declare it compromised with `trustroot compromise`"
	switch {
	case err != nil:
		unanswered(q, "ledger-file", "restore it from git", "the last checkpoint of generation %d cannot be compared: %v", g.Number, err)
	case c.Size > last.Size:
		q.mismatch("retired-log-grows", repair, "it is retired with %d entries, and its checkpoint has %d: somebody appends under its key", last.Size, c.Size)
	case c.Size == last.Size && !bytes.Equal(c.Hash, last.Hash):
		q.mismatch("retired-log-forks", repair, "it is retired, and its checkpoint of the same size has another root")
	}
}
