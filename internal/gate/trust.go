package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	sigtuf "github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// Limits of what a policy names, in bytes.
const (
	maxTrustedRoot = 4 << 20
	maxMetadata    = 4 << 20
)

// trust returns the trusted root, its bytes and where they come from.
func (p *Policy) trust(ctx context.Context, now time.Time) (*root.TrustedRoot, []byte, string, error) {
	var data []byte
	var from string
	var err error
	switch t := p.Trust; {
	case t.File != "":
		from = p.path(t.File)
		data, err = courier.ReadFile(from, maxTrustedRoot)
	case t.Cache != "":
		from = p.path(t.Cache)
		data, err = cached(from)
	default:
		from = p.path(t.Repository)
		data, err = mirroredTarget(ctx, from, p.path(t.Root), tuf.TrustedRootName, now)
	}
	if err == nil {
		var trusted *root.TrustedRoot
		if trusted, err = judge.Check(data); err == nil {
			return trusted, data, from, nil
		}
	}
	return nil, nil, from, fault.New(fault.Verification, "nothing was verified: refresh or repair what the policy's trust section names",
		fmt.Errorf("trusted root from %s: %w", from, err))
}

// errNoTarget says that a repository does not have a target.
var errNoTarget = errors.New("the repository has no such target")

// mirroredTarget fetches a target from a folder as a TUF client does.
func mirroredTarget(ctx context.Context, dir, rootFile, target string, now time.Time) ([]byte, error) {
	anchor, err := courier.ReadFile(rootFile, maxMetadata)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	data, err := tuf.Fetch(ctx, dir, anchor, target, now)
	if err != nil && strings.Contains(err.Error(), "target "+target+" not found") { // go-tuf's updater has no error of its own for it
		return nil, errNoTarget
	}
	return data, err
}

// cacheURL stands for the repository of a cache; nothing is fetched from it.
const cacheURL = "https://cache.invalid"

// cached reads the trusted root from a TUF client's cache, the layout of
// go-tuf's updater that cosign keeps too. Signatures, expiry and hashes are
// checked, from the cache's own root on. The updater writes where it reads, so
// it works on a copy.
func cached(dir string) (data []byte, err error) {
	scratch, err := os.MkdirTemp("", "trustroot-verify-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	to := filepath.Join(scratch, sigtuf.URLToPath(cacheURL))
	if err := os.MkdirAll(filepath.Join(to, "targets"), 0o700); err != nil {
		return nil, err
	}
	var anchor []byte
	for _, name := range []string{"root.json", "timestamp.json", "snapshot.json", "targets.json", filepath.Join("targets", tuf.TrustedRootName)} {
		content, err := courier.ReadFile(filepath.Join(dir, name), maxMetadata)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(to, name), content, 0o600); err != nil {
			return nil, err
		}
		if name == "root.json" {
			anchor = content
		}
	}
	client, err := sigtuf.New(&sigtuf.Options{
		Root: anchor, CachePath: scratch, RepositoryBaseURL: cacheURL, ForceCache: true, Fetcher: offline{},
	})
	if err != nil {
		return nil, fmt.Errorf("the cache is not valid by itself: %w", err)
	}
	return client.GetTarget(tuf.TrustedRootName)
}

// offline refuses every download.
type offline struct{}

// DownloadFile implements go-tuf's fetcher.Fetcher.
func (offline) DownloadFile(string, int64, time.Duration) ([]byte, error) {
	return nil, errors.New("expired or incomplete, and the gate does not reach for the network")
}
