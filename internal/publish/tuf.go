package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// policy joins the plan's tuf block with the holders' keys on file and the
// online key in KMS.
func policy(d *trustdir.Dir, ctx context.Context, client *kms.Client) (tuf.Policy, *kms.Key, error) {
	if d.Plan.TUF == nil {
		return tuf.Policy{}, nil, fault.New(fault.Usage, "add a tuf block to the plan", errors.New("the plan says nothing of a TUF repository"))
	}
	policy, err := peopleOf(d)
	if err != nil {
		return tuf.Policy{}, nil, err
	}
	online, err := pinned(ctx, client, d.Plan.TUF.OnlineKey)
	if err != nil {
		return tuf.Policy{}, nil, err
	}
	policy.Online = online.PublicKey
	if err := policy.Validate(); err != nil {
		return tuf.Policy{}, nil, fault.New(fault.Usage, "invite each holder without a key with `trustroot tuf invite`", err)
	}
	if next := d.Plan.TUF.NextOnlineKey; next != nil {
		key, err := pinned(ctx, client, *next)
		if err == nil {
			policy.NextOnline, err = tuf.CheckKey(key.PublicKey)
		}
		if err != nil {
			return tuf.Policy{}, nil, fmt.Errorf("tuf.next_online_key: %w", err)
		}
	}
	return policy, online, nil
}

// pinned reads an online key in KMS, which must be the one that the plan pins.
func pinned(ctx context.Context, client *kms.Client, planned plan.Generation) (*kms.Key, error) {
	key, err := client.Key(ctx, planned.Key)
	if err != nil {
		return nil, err
	}
	return key, trustdir.CheckPin("tuf-online", planned, key.SPKISHA256())
}

// stagedFolder names the next folder of staged/: one above the highest number.
func stagedFolder(d *trustdir.Dir) (string, error) {
	if err := os.MkdirAll(d.Join(trustdir.StagedDir), 0o755); err != nil {
		return "", fmt.Errorf("make the folder of staged changes: %w", err)
	}
	entries, err := os.ReadDir(d.Join(trustdir.StagedDir))
	if err != nil {
		return "", fmt.Errorf("list staged changes: %w", err)
	}
	last := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			last = max(last, n)
		}
	}
	return d.Join(fmt.Sprintf("%s/%04d", trustdir.StagedDir, last+1)), nil
}

// repository opens the repository of the trust directory for reading.
func repository(d *trustdir.Dir, ctx context.Context) (objects.Store, error) {
	path := d.Join(trustdir.RepositoryDir)
	if _, err := os.Stat(filepath.Join(path, "timestamp.json")); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Usage, "stage the first root and targets with `trustroot tuf init`, let the holders sign, and publish", fmt.Errorf("%s holds no repository", path))
	}
	return store.OpenExisting(ctx, path)
}
