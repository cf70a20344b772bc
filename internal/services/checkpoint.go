package services

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	formatslog "github.com/transparency-dev/formats/log"
	formatsnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// signedCheckpoint is a checkpoint that was read and not verified.
type signedCheckpoint struct {
	formatslog.Checkpoint
	raw        []byte
	signatures []note.Signature // under the origin's name: what witnesses added is left out
}

// parseCheckpoint reads a signed note whose text is a checkpoint (C2SP
// signed-note, tlog-checkpoint).
func parseCheckpoint(data []byte) (*signedCheckpoint, error) {
	_, err := note.Open(data, note.VerifierList())
	unverified, ok := errors.AsType[*note.UnverifiedNoteError](err)
	if !ok {
		return nil, fmt.Errorf("no signed checkpoint: %w", err)
	}
	c := &signedCheckpoint{raw: data}
	if _, err := c.Unmarshal([]byte(unverified.Note.Text)); err != nil {
		return nil, fmt.Errorf("no checkpoint: %w", err)
	}
	if len(c.Hash) != sha256.Size {
		return nil, fmt.Errorf("no checkpoint: its root hash has %d bytes", len(c.Hash))
	}
	for _, s := range unverified.Note.UnverifiedSigs {
		if s.Name == c.Origin {
			c.signatures = append(c.signatures, s)
		}
	}
	if len(c.signatures) == 0 {
		return nil, fmt.Errorf("the checkpoint of %q is not signed under that name", firstLine([]byte(c.Origin)))
	}
	return c, nil
}

// verify verifies the checkpoint under a log's key, whatever its origin.
func (c *signedCheckpoint) verify(kind string, pub *ecdsa.PublicKey) error {
	v, err := verifierOf(kind, c.Origin, pub)
	if err != nil {
		return err
	}
	_, err = note.Open(c.raw, note.VerifierList(v))
	return err
}

// verifierOf is the verifier of a kind of log under a name.
func verifierOf(kind, origin string, pub *ecdsa.PublicKey) (note.Verifier, error) {
	if kind == plan.RekorV2 {
		v, err := signature.LoadVerifier(pub, crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return rekornote.NewNoteVerifier(origin, v)
	}
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	// the hash in the string is not read
	v, err := formatsnote.NewRFC6962Verifier(fmt.Sprintf("%s+%08x+%s", origin, 0, base64.StdEncoding.EncodeToString(append([]byte{5}, spki...))))
	if err != nil {
		return nil, err
	}
	return treeHead{v}, nil
}

// treeHead refuses signatures that are too short before the library looks at
// them: it indexes without asking.
type treeHead struct{ note.Verifier }

// Verify implements note.Verifier.
func (v treeHead) Verify(message, sig []byte) bool {
	return len(sig) >= treeHeadPrefix && v.Verifier.Verify(message, sig)
}

// treeHeadPrefix is what stands before a tree head's signature: the time in
// milliseconds, two algorithms, a length (RFC 6962 3.5, static-ct-api).
const treeHeadPrefix = 8 + 2 + 2

// signedAt is the time that a static-ct log signed; zero where there is none.
func (c *signedCheckpoint) signedAt() time.Time {
	data, err := base64.StdEncoding.DecodeString(c.signatures[0].Base64)
	if err != nil || len(data) < 4+treeHeadPrefix {
		return time.Time{}
	}
	ms := binary.BigEndian.Uint64(data[4:])
	if ms > 1<<53 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// otherKey says what can be seen of the key behind the first signature, where
// that cannot be one on P-256: empty for nothing.
func (c *signedCheckpoint) otherKey(kind string) string {
	data, err := base64.StdEncoding.DecodeString(c.signatures[0].Base64)
	if err != nil || len(data) < 4 {
		return ""
	}
	sig := data[4:]
	if kind == plan.StaticCT {
		if len(sig) < treeHeadPrefix {
			return ""
		}
		if sig[9] != 3 {
			return "a key that is not ECDSA"
		}
		sig = sig[treeHeadPrefix:]
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &rs); err != nil || len(rest) > 0 {
		if len(sig) == 64 {
			return "an Ed25519 key"
		}
		return "a key that is not ECDSA"
	}
	if size := max(rs.R.BitLen(), rs.S.BitLen()); size > 256 {
		return "an ECDSA key on a larger curve"
	}
	return ""
}

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
