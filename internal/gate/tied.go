package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tlog"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/pki/witness"
)

// Names and limits of what ties an entry to the one log that everybody sees.
const (
	retiredTarget = "retired_logs.json"
	targetPrefix  = "target:" // of what the repository has, in place of a file
	maxRetired    = 1 << 20
	maxWitnesses  = 64 << 10
)

// heads are checkpoints of logs, by the hex of the logs' IDs.
type heads map[string]treeHead

// treeHead is the size and the root of a log.
type treeHead struct {
	origin string
	size   uint64
	root   []byte
}

// retiredFile is the form of retired_logs.json.
type retiredFile struct {
	Logs []struct {
		LogID      string `json:"log_id"`     // hex SHA-256 of the SPKI
		Checkpoint string `json:"checkpoint"` // the last one, a signed note
	} `json:"logs"`
}

// ties loads the witness policy and the last checkpoints of retired logs.
func (g *Gate) ties(ctx context.Context, p *Policy) error {
	if p.Trust.Witnesses != "" {
		data, err := p.witnesses(ctx, g)
		if err != nil {
			return err
		}
		if g.quorum, err = witness.Parse(data); err != nil {
			return err
		}
	}
	data, err := p.retired(ctx, g)
	if err != nil || data == nil {
		return err
	}
	g.retired, err = parseHeads(retiredTarget, data)
	return err
}

// parseHeads reads a file of checkpoints.
func parseHeads(name string, data []byte) (heads, error) {
	var file retiredFile
	if err := strict.JSON(data, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := heads{}
	for _, l := range file.Logs {
		head, err := parseHead(l.Checkpoint)
		if err != nil {
			return nil, fmt.Errorf("%s: log %s: %w", name, l.LogID, err)
		}
		out[l.LogID] = head
	}
	return out, nil
}

// witnesses reads the tlog-policy from its file, or from the repository where
// the policy names a target.
func (p *Policy) witnesses(ctx context.Context, g *Gate) ([]byte, error) {
	data, err := p.named(ctx, g, p.Trust.Witnesses, maxWitnesses)
	if err != nil {
		return nil, fmt.Errorf("witness policy %s: %w", strings.TrimPrefix(p.Trust.Witnesses, targetPrefix), err)
	}
	return data, nil
}

// retired reads the last checkpoints, and returns nil where there are none.
func (p *Policy) retired(ctx context.Context, g *Gate) ([]byte, error) {
	if p.Trust.Retired != "" {
		return courier.ReadFile(p.path(p.Trust.Retired), maxRetired)
	}
	if p.Trust.Repository == "" {
		return nil, nil
	}
	data, err := mirroredTarget(ctx, p.path(p.Trust.Repository), p.path(p.Trust.Root), retiredTarget, g.now)
	if errors.Is(err, errNoTarget) {
		return nil, nil
	}
	return data, err
}

// parseHead reads origin, size and root of a checkpoint (C2SP tlog-checkpoint).
// Whoever signed it: the file it comes from is trusted.
func parseHead(checkpoint string) (treeHead, error) {
	lines := strings.SplitN(checkpoint, "\n", 4)
	if len(lines) < 4 {
		return treeHead{}, errors.New("not a checkpoint")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return treeHead{}, errors.New("a checkpoint without a size")
	}
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(hash) != sha256.Size {
		return treeHead{}, errors.New("a checkpoint without a root hash")
	}
	return treeHead{lines[0], size, hash}, nil
}

// tied holds an entry against the last checkpoint of its log where that is
// retired, and against the quorum of witnesses where the policy wants one. It
// returns what is worth saying of an entry that holds.
//
// A stolen key of a retired log can sign trees for ever. A larger one than the
// last is refused, one of the same size must be the same, and a smaller one is
// held against the archived tiles; without them it may be a fork.
func (g *Gate) tied(entry *tlog.Entry, l *root.TransparencyLog, before heads) (note string, err error) {
	proof := entry.TransparencyLogEntry().GetInclusionProof()
	checkpoint := proof.GetCheckpoint().GetEnvelope()
	if g.quorum != nil {
		r, err := g.quorum.Check([]byte(checkpoint))
		if err != nil {
			return "", err
		}
		if !r.Satisfied {
			return "", fmt.Errorf("the checkpoint of %s is cosigned by %d witnesses, fewer than the policy's quorum: the log may show this tree to nobody else", l.BaseURL, len(r.Names))
		}
	}
	id := hex.EncodeToString([]byte(entry.LogKeyID()))
	if before != nil {
		if err := g.beforeTheft(before, id, checkpoint, l.BaseURL); err != nil {
			return "", err
		}
	}
	last, isRetired := g.retired[id]
	if !isRetired {
		return "", nil
	}
	if checkpoint == "" {
		return "", fmt.Errorf("the log %s is retired, and the entry has no proof that could be held against its last checkpoint", l.BaseURL)
	}
	head, err := parseHead(checkpoint)
	if err != nil {
		return "", err
	}
	switch {
	case head.size > last.size:
		return "", fmt.Errorf("the log %s is retired with %d entries, and the entry is proved in a tree of %d: it was appended to afterwards", l.BaseURL, last.size, head.size)
	case head.size == last.size && !bytes.Equal(head.root, last.root):
		return "", fmt.Errorf("the log %s is retired, and the entry is proved in another tree of the same size: a fork", l.BaseURL)
	case head.size == last.size:
		return "", nil
	case g.policy.Trust.Tiles != "":
		return "", g.consistent(head, last, l.BaseURL)
	case g.policy.Trust.Untied == "refuse":
		return "", fmt.Errorf("the log %s is retired, and nothing ties the entry's tree of %d entries to its last one of %d: it may be a fork; the policy refuses that", l.BaseURL, head.size, last.size)
	}
	return fmt.Sprintf("not tied to the last checkpoint of the retired log %s: the tree of %d entries may be a fork", l.BaseURL, head.size), nil
}

// beforeTheft wants the tree of an entry to be one that stood before a TSA's key
// was stolen: the time of that TSA alone may be forged.
func (g *Gate) beforeTheft(before heads, id, checkpoint, url string) error {
	const alone = "the bundle rests on the time of a TSA whose key was stolen alone, and "
	known, ok := before[id]
	if !ok || checkpoint == "" {
		return fmt.Errorf(alone+"no checkpoint of the log %s from before the theft is known", url)
	}
	head, err := parseHead(checkpoint)
	if err != nil {
		return err
	}
	switch {
	case head.size > known.size:
		return fmt.Errorf(alone+"the log %s had %d entries before the theft: the entry is proved in a tree of %d", url, known.size, head.size)
	case head.size == known.size && !bytes.Equal(head.root, known.root):
		return fmt.Errorf(alone+"the entry is proved in another tree of the log %s: a fork", url)
	case head.size < known.size && g.policy.Trust.Tiles == "":
		return fmt.Errorf(alone+"nothing ties the entry's tree of %d entries to that of %d: archive the tiles of %s and name them with tiles", head.size, known.size, url)
	case head.size < known.size:
		return g.consistent(head, known, url)
	}
	return nil
}

// consistent computes the root of the smaller tree from the archived tiles and
// compares it: the archive is trusted to be the log's, and is held against its
// last root first.
func (g *Gate) consistent(head, last treeHead, url string) error {
	dir := filepath.Join(g.policy.path(g.policy.Trust.Tiles), filepath.FromSlash(strings.ReplaceAll(last.origin, "..", "_")))
	read := func(path string) ([]byte, error) {
		return courier.ReadFile(filepath.Join(dir, filepath.FromSlash(path)), maxRetired)
	}
	for _, h := range []struct {
		treeHead
		what string
	}{{last, "the archived tiles do not give the last root"}, {head, "the entry's tree is not the beginning of the log: a fork"}} {
		got, err := rootOf(h.size, last.size, read)
		if err != nil {
			return fmt.Errorf("the archive of the log %s cannot be read: %w", url, err)
		}
		if !bytes.Equal(got, h.root) {
			return fmt.Errorf("the log %s: %s", url, h.what)
		}
	}
	return nil
}
