package services

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// askCheckpoint reads the checkpoint at the first of these paths that has one.
func askCheckpoint(ctx context.Context, q *inquiry, kind string, paths ...string) {
	base := q.URL
	if q.readFrom != "" {
		base = strings.TrimSuffix(q.readFrom, "/")
		paths = append([]string{"/checkpoint"}, paths...)
	}
	at, data, err := findCheckpoint(ctx, q.web, base, paths...)
	if errors.Is(err, errTooLarge) {
		badAnswer(q, at, err)
		return
	}
	if err != nil {
		unanswered(q, "checkpoint-unread", "the server takes entries only: serve its storage under its URL, or name where it is served with --read "+q.Name+"=URL or a folder",
			"read path: no checkpoint was found, so nothing shows which key it signs with (%s)", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	q.Read = shown(at)
	c, err := parseCheckpoint(data)
	if err != nil {
		badAnswer(q, at, err)
		return
	}
	checkCheckpoint(q, kind, c)
}

// findCheckpoint reads the checkpoint at the first of these paths that has one,
// and says where.
func findCheckpoint(ctx context.Context, w *web, base string, paths ...string) (at string, data []byte, err error) {
	var refusals []error
	for _, path := range paths {
		at = base + path
		if !isWeb(base) {
			at = filepath.Join(base, path)
		}
		if data, err = w.fetch(ctx, at, maxAnswer); err == nil || errors.Is(err, errTooLarge) {
			return at, data, err
		}
		refusals = append(refusals, fmt.Errorf("%s: %w", shown(at), err))
	}
	return at, nil, errors.Join(refusals...)
}

// checkCheckpoint says which generation signed a checkpoint, and whether
// verifiers look for its origin.
func checkCheckpoint(q *inquiry, kind string, c *signedCheckpoint) {
	var hashes []string
	for i, g := range q.generations {
		_, pub, err := q.source.checkpointKey(g)
		if err != nil {
			q.mismatch("key-not-p256", "renew it with a P-256 key: `trustroot renew "+q.Name+" --new-key`", "generation %d: %v", g.Number, err)
			continue
		}
		if err := c.verify(kind, pub); err == nil {
			q.Generation = g.Number
			size := c.Size
			q.Size = &size
			if der, err := x509.MarshalPKIXPublicKey(pub); err == nil { // the key that the log signs with
				q.raw = base64.StdEncoding.EncodeToString(der)
			}
			checkOrigin(q, kind, c, &q.generations[i])
			checkGrowth(q, c, g)
			if g.Retired == nil {
				checkWitnesses(q, c, g)
			}
			return
		}
		hashes = append(hashes, expected(kind, g, c.Origin, pub))
	}
	repair := "start it with the key of a generation that the ledger has: `trustroot services render " + q.Name + "`"
	if other := c.otherKey(kind); other != "" {
		q.mismatch("key-not-p256", repair, "its key is not P-256: %s signed the checkpoint; Fulcio refuses such a CT key at its start, and verifiers such checkpoints", other)
	} else {
		q.mismatch("unknown-key", repair, "its checkpoint verifies under no generation of the ledger: it has key hash %08x, the ledger %s",
			c.signatures[0].Hash, strings.Join(hashes, ", "))
	}
	if newest := ledger.Newest(q.generations); newest != nil {
		checkOrigin(q, kind, c, newest)
	}
}

// expected names the key hash that a generation would have under an origin.
func expected(kind string, g ledger.Generation, origin string, pub *ecdsa.PublicKey) string {
	key, err := checkpoint.New(kind, origin, pub)
	if err != nil {
		key, err = checkpoint.New(kind, g.Log.Origin, pub)
	}
	if err != nil {
		return fmt.Sprintf("none in generation %d", g.Number)
	}
	return fmt.Sprintf("%08x in generation %d", key.Hash(), g.Number)
}

// checkOrigin compares the checkpoint's first line with the ledger's, and the
// ledger's with the URL under which verifiers look.
func checkOrigin(q *inquiry, kind string, c *signedCheckpoint, g *ledger.Generation) {
	planned := q.source.Plan.Logs[q.Name].URL
	if c.Origin != g.Log.Origin {
		got := firstLine([]byte(c.Origin))
		if kind == plan.RekorV2 {
			q.mismatch("other-origin", "start it with --hostname "+g.Log.Origin, "its checkpoints are of %q, not of %q: its --hostname is another than the host of %s, where sigstore-go takes the name from", got, g.Log.Origin, planned)
		} else {
			q.mismatch("other-origin", "start it with -origin "+g.Log.Origin, "its checkpoints are of %q, not of %q", got, g.Log.Origin)
		}
	}
	if err := checkpoint.CheckURL(kind, g.Log.Origin, planned); err != nil {
		q.mismatch("origin-of-another-url", "correct the plan's url; an origin that the ledger has stays", "%v", err)
	}
	if at := c.signedAt(); kind == plan.StaticCT && !at.IsZero() && q.source.Now.Sub(at) > staleCheckpoint {
		q.notice("old-checkpoint", "see whether the copy is brought up to date, and whether the log runs", "its checkpoint was signed on %s", at.Format(time.RFC3339))
	}
}

// staleCheckpoint is the age at which a static-ct checkpoint is worth a
// notice: TesseraCT signs one every half minute, grown or not.
const staleCheckpoint = 24 * time.Hour
