package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

// CosignVersion is the cosign that is asked beside sigstore-go.
const CosignVersion = "v3.1.3"

// ErrNoCosign says that the cosign that is asked is not installed.
var ErrNoCosign = errors.New("cosign " + CosignVersion + " is not installed")

// Cosign is an installed cosign of the pinned version.
type Cosign struct{ path string }

// FindCosign looks for the pinned cosign on the PATH, then where
// scripts/clients-conformance installs it. The error is ErrNoCosign, or names
// another version that is on the PATH.
func FindCosign(ctx context.Context) (*Cosign, error) {
	paths := []string{"cosign"}
	if cache, err := os.UserCacheDir(); err == nil {
		paths = append(paths, filepath.Join(cache, "trustroot", "cosign-"+CosignVersion))
	}
	err := ErrNoCosign
	for i, name := range paths {
		path, missing := exec.LookPath(name)
		if missing != nil {
			continue
		}
		switch version, unread := cosignVersion(ctx, path); {
		case unread == nil && version == CosignVersion:
			return &Cosign{path}, nil
		case unread == nil && i == 0:
			err = fmt.Errorf("%w; on the PATH is %s", ErrNoCosign, version)
		}
	}
	return nil, err
}

func cosignVersion(ctx context.Context, path string) (string, error) {
	out, err := exec.CommandContext(ctx, path, "version", "--json").Output()
	if err != nil {
		return "", err
	}
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	err = json.Unmarshal(out, &v)
	return v.GitVersion, err
}

// Check asks cosign for a bundle's verdict under a trusted root and then under
// the same without the entries that the bundle needs, which must fail. It does
// not ask about bundles of attestations, of which it returns judge.ErrNotBlob.
func (c *Cosign) Check(ctx context.Context, trustedRoot []byte, b judge.Bundle, needs []string) error {
	digest, err := judge.MessageDigest(b)
	if err != nil {
		return err
	}
	without, err := trustedroot.Without(trustedRoot, needs...)
	if err != nil {
		return err
	}
	if err := c.verify(ctx, trustedRoot, b, digest); err != nil {
		return fmt.Errorf("bundle %s: cosign: %w", b.Name, err)
	}
	if err := c.verify(ctx, without, b, digest); err == nil {
		return fmt.Errorf("bundle %s: cosign accepts it without %s", b.Name, strings.Join(needs, ", "))
	}
	return nil
}

// verify runs cosign in a folder of its own, so that it finds no configuration
// and fetches nothing.
func (c *Cosign) verify(ctx context.Context, trustedRoot []byte, b judge.Bundle, digest string) (err error) {
	dir, err := os.MkdirTemp("", "trustroot-cosign-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	root, bundle := filepath.Join(dir, "trusted_root.json"), filepath.Join(dir, "bundle.json")
	if err := errors.Join(os.WriteFile(root, trustedRoot, 0o600), os.WriteFile(bundle, b.Data, 0o600)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	args := []string{"verify-blob", "--trusted-root", root, "--bundle", bundle}
	if judge.HasTimestamp(b) { // without one the flag refuses what Rekor v1's own time proves
		args = append(args, "--use-signed-timestamps")
	}
	if b.Key != nil {
		key := filepath.Join(dir, "key.pub")
		if err := os.WriteFile(key, b.Key, 0o600); err != nil {
			return err
		}
		args = append(args, "--key", key, digest)
	} else {
		args = append(args, "--certificate-identity-regexp", ".*", "--certificate-oidc-issuer-regexp", ".*", digest)
	}
	cmd := exec.CommandContext(ctx, c.path, args...) //nolint:gosec // see FindCosign
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "HTTPS_PROXY=http://127.0.0.1:9", "HTTP_PROXY=http://127.0.0.1:9"}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(said.String())
		return fmt.Errorf("%w: %s", err, text[strings.LastIndex(text, "\n")+1:])
	}
	return nil
}
