package gate

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

// tileWidth is how many hashes a full tile has (C2SP tlog-tiles).
const tileWidth = 256

// rootOf is the root of the first entries of a log, from the tiles of a tree of
// so many entries in all.
func rootOf(size, all uint64, read func(path string) ([]byte, error)) ([]byte, error) {
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for start := uint64(0); start < size; start += tileWidth {
		leaves := tlog.Tile{H: 8, N: int64(start / tileWidth), W: int(min(all-start, tileWidth))} //nolint:gosec // a parsed size has 63 bits
		path := strings.Replace(leaves.Path(), "tile/8/", "tile/", 1)                             // tlog-tiles leaves the height out
		tile, err := read(path)
		if err != nil {
			return nil, err
		}
		want := min(size-start, tileWidth)
		if uint64(len(tile)) < want*sha256.Size {
			return nil, fmt.Errorf("%s is too short", path)
		}
		for i := range want {
			if err := tree.Append(tile[i*sha256.Size:(i+1)*sha256.Size], nil); err != nil {
				return nil, err
			}
		}
	}
	return tree.GetRootHash(nil)
}
