package publish

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/holders"
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

// RootFits reports whether the published root names the holders, thresholds and
// online keys of the plan. Holders without a key and keys without a pin come
// first: until then nothing is to be staged.
func RootFits(d *trustdir.Dir) (bool, error) {
	people, err := peopleOf(d)
	pins := onlinePins(d.Plan.TUF)
	if err != nil || slices.Contains(pins, "") {
		return true, nil //nolint:nilerr // they join first
	}
	own, err := repository(d, context.Background())
	if err != nil {
		return true, nil //nolint:nilerr // nothing is published
	}
	differs := tuf.CheckPeople(context.Background(), own, people, func(pub crypto.PublicKey) bool { return isOnlineKey(d.Plan.TUF, pub) }, len(pins))
	return differs == nil, own.Close()
}

// peopleOf joins the plan's tuf block with the holders' keys on file.
func peopleOf(d *trustdir.Dir) (tuf.Policy, error) {
	current, former, err := holders.HolderKeys(d)
	if err != nil {
		return tuf.Policy{}, err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, h := range current {
		keys[h.Name] = h.PublicKey
	}
	people, err := tuf.FromPlan(d.Plan, keys)
	if err != nil {
		return tuf.Policy{}, fault.New(fault.Usage, "invite each holder without a key with `trustroot tuf invite`", err)
	}
	people.Former = former
	return people, nil
}
