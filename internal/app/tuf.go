package app

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// RepositoryDir is the repository as published, in the trust directory.
const RepositoryDir = "tuf"

const stagedDir = "staged"

// policy joins the plan's tuf block with the holders' keys on file and the
// online key in KMS.
func (d *Directory) policy(ctx context.Context, client *kms.Client) (tuf.Policy, *kms.Key, error) {
	if d.Plan.TUF == nil {
		return tuf.Policy{}, nil, fault.New(fault.Usage, "add a tuf block to the plan", errors.New("the plan says nothing of a TUF repository"))
	}
	current, former, err := d.holderKeys()
	if err != nil {
		return tuf.Policy{}, nil, err
	}
	online, err := client.Key(ctx, d.Plan.TUF.OnlineKey.Key)
	if err != nil {
		return tuf.Policy{}, nil, err
	}
	if err := checkPin("tuf-online", d.Plan.TUF.OnlineKey, online.SPKISHA256()); err != nil {
		return tuf.Policy{}, nil, err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, h := range current {
		keys[h.Name] = h.PublicKey
	}
	policy, err := tuf.FromPlan(d.Plan, keys, online.PublicKey)
	if err != nil {
		return tuf.Policy{}, nil, fault.New(fault.Usage, "invite each holder without a key with `trustroot tuf invite`", err)
	}
	policy.Former = former
	return policy, online, nil
}

// holderKeys reads the key of everybody in holders/: those that the plan names,
// and those that it no longer names or who have another key now.
func (d *Directory) holderKeys() (current, former []tuf.Holder, err error) {
	var errs []error
	read := func(name, path string, into *[]tuf.Holder) {
		data, err := fs.ReadFile(d.FS(), path)
		if errors.Is(err, fs.ErrNotExist) {
			return // invited, and not joined yet
		}
		key, errKey := pki.ParsePublicKey(data)
		if err := errors.Join(err, errKey); err != nil {
			errs = append(errs, fmt.Errorf("key of holder %s in %s: %w", name, path, err))
			return
		}
		*into = append(*into, tuf.Holder{Name: name, PublicKey: key})
	}
	for _, name := range d.holderFolders() {
		into := &current
		if _, planned := d.Plan.Holders[name]; !planned {
			into = &former
		}
		read(name, holderDir(name)+"key.pem", into)
		old, err := fs.Glob(d.FS(), holderDir(name)+formerDir+"/*/key.pem")
		errs = append(errs, err)
		for _, path := range old {
			read(name, path, &former)
		}
	}
	return current, former, errors.Join(errs...)
}

// holderFolders are the names in holders/, sorted.
func (d *Directory) holderFolders() []string {
	entries, err := fs.ReadDir(d.FS(), "holders")
	if err != nil {
		return nil // nobody has joined
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// stagedFolder names the next folder of staged/: one above the highest number.
func (d *Directory) stagedFolder() (string, error) {
	if err := os.MkdirAll(d.join(stagedDir), 0o755); err != nil {
		return "", fmt.Errorf("make the folder of staged changes: %w", err)
	}
	entries, err := os.ReadDir(d.join(stagedDir))
	if err != nil {
		return "", fmt.Errorf("list staged changes: %w", err)
	}
	last := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			last = max(last, n)
		}
	}
	return d.join(fmt.Sprintf("%s/%04d", stagedDir, last+1)), nil
}

// places are the stores that a publication goes to: the repository of the trust
// directory first, then those that were named, each once.
func (d *Directory) places(named []string) []string {
	out := []string{d.join(RepositoryDir)}
	for _, place := range named {
		if !slices.ContainsFunc(out, func(p string) bool { return filepath.Clean(p) == filepath.Clean(place) }) {
			out = append(out, place)
		}
	}
	return out
}

// repository opens the repository of the trust directory for reading.
func (d *Directory) repository(ctx context.Context) (store.Store, error) {
	path := d.join(RepositoryDir)
	if _, err := os.Stat(filepath.Join(path, "timestamp.json")); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Usage, "stage the first root and targets with `trustroot tuf init`, let the holders sign, and publish", fmt.Errorf("%s holds no repository", path))
	}
	return store.OpenExisting(ctx, path)
}
