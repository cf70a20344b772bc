package publish

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// Waiting returns the newest staged change that tuf/ does not carry yet; nil
// where there is none. An older one is superseded.
func Waiting(d *trustdir.Dir) (*tuf.Staged, error) {
	entries, err := fs.ReadDir(d.FS(), trustdir.StagedDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	number := func(e fs.DirEntry) int { n, _ := strconv.Atoi(e.Name()); return n }
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(number(a), number(b)) })
	if len(entries) == 0 || number(entries[len(entries)-1]) == 0 {
		return nil, nil
	}
	s, err := tuf.OpenStaged(d.Join(trustdir.StagedDir + "/" + entries[len(entries)-1].Name()))
	if err != nil {
		return nil, err
	}
	for _, v := range s.Versions() {
		name := strconv.FormatInt(v.Version, 10) + "." + v.Role + ".json"
		if _, err := fs.Stat(d.FS(), path.Join(trustdir.RepositoryDir, name)); errors.Is(err, fs.ErrNotExist) {
			return s, nil
		}
	}
	return nil, nil
}

// Published reports whether tuf/ carries every target that ledger and plan
// make. The ledger's head is left out: it travels with the next change.
func Published(d *trustdir.Dir) (bool, error) {
	t, err := targets(d)
	if err != nil {
		return false, err
	}
	own, err := repository(d, context.Background())
	if err != nil {
		return false, nil //nolint:nilerr // nothing is published
	}
	have, err := tuf.TargetDigests(context.Background(), own)
	if err := errors.Join(err, own.Close()); err != nil {
		return false, err
	}
	delete(t.Files, trustdir.LedgerHeadTarget)
	delete(have, trustdir.LedgerHeadTarget)
	for name, data := range t.Files {
		if have[name] != trustdir.FileOf(name, data).SHA256 {
			return false, nil
		}
	}
	return len(have) == len(t.Files), nil
}
