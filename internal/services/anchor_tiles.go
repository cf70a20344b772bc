package services

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/linnemanlabs/trustroot/pki/anchor"
)

// tileHeight is the one of C2SP tlog-tiles.
const tileHeight = 8

// tiles reads the hashes of a log (C2SP tlog-tiles).
type tiles func(name string) ([]byte, error)

// readEntry proves from a log's tiles that it holds a signature at an index.
// The checkpoint's own signature is checked where the anchor is made.
func readEntry(ctx context.Context, base string, index int64, parts anchor.Parts) (*anchor.Entry, error) {
	t := tiles(func(name string) ([]byte, error) {
		data, _, err := exchange(ctx, "log", "--rekor", http.MethodGet, strings.TrimSuffix(base, "/")+"/api/v2/"+name, "", nil)
		return data, err
	})
	note, err := t("checkpoint")
	if err != nil {
		return nil, err
	}
	var cp log.Checkpoint
	if _, err := cp.Unmarshal(note); err != nil {
		return nil, wrongAnswer("log", base, err)
	}
	body, err := parts.Body()
	if err != nil {
		return nil, err
	}
	e := &anchor.Entry{Index: index, TreeSize: int64(cp.Size), RootHash: cp.Hash, Checkpoint: string(note), Body: body} //nolint:gosec // a size beyond becomes negative, and is refused below
	tree := tlog.Tree{N: e.TreeSize}
	if index < 0 || index >= e.TreeSize || copy(tree.Hash[:], cp.Hash) != len(cp.Hash) {
		return nil, wrongAnswer("log", base, fmt.Errorf("its checkpoint is about a tree of %d entries, without entry %d", cp.Size, index))
	}
	proof, err := tlog.ProveRecord(e.TreeSize, index, tlog.TileHashReader(tree, t))
	if err != nil {
		return nil, wrongAnswer("log", base, err)
	}
	for _, hash := range proof {
		e.Hashes = append(e.Hashes, hash[:])
	}
	return e, nil
}

// Height implements tlog.TileReader.
func (t tiles) Height() int { return tileHeight }

// ReadTiles implements tlog.TileReader.
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range want {
		// tlog's own paths say the height, the log's do not
		data, err := t("tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// SaveTiles implements tlog.TileReader; nothing is kept.
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
