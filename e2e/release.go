package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// released has scripts/release-sign sign a release with the rehearsed stack, and
// judges it as a stranger would: with the policy in the repository, the key that
// the release brings, a TUF client's cache, and the release's own files.
func (w *world) released(ctx context.Context, s *suite, g *generation) {
	if w.release == "" {
		w.remark("no release is signed: give one with -release")
		return
	}
	var verify, folder string
	sums := func() string { return filepath.Join(folder, "SHA256SUMS") }
	if !s.check(ctx, "scripts/release-sign signs a release with the key in KMS and keyless, by our Fulcio", func(ctx context.Context) (err error) {
		folder, err = w.signRelease(ctx)
		return err
	}) {
		return
	}
	policy := w.path("stranger", "release-policy.json")
	s.check(ctx, "a stranger checks the release's sums and unpacks trustroot-verify from its archive", func(ctx context.Context) (err error) {
		verify, err = w.unpackRelease(ctx, folder)
		return err
	})
	s.check(ctx, "its trustroot-verify admits SHA256SUMS and the provenance, with the policy in the repository", func(ctx context.Context) error {
		if err := w.meet(policy, folder, g.home); err != nil {
			return err
		}
		provenance, err := filepath.Glob(filepath.Join(folder, "*.intoto.json"))
		if err != nil || len(provenance) != 1 {
			return fmt.Errorf("provenance %v: %w", provenance, err)
		}
		for _, file := range []string{sums(), provenance[0]} {
			if _, err := w.command(ctx, nil, verify, "verify", file, "--policy", policy); err != nil {
				return err
			}
		}
		return nil
	})
	s.check(ctx, "it refuses a sum that was changed, a bundle that is missing, and another repository's workflow", func(ctx context.Context) error {
		data, err := os.ReadFile(sums())
		if err != nil {
			return err
		}
		if err := os.WriteFile(sums(), append([]byte("0"), data[1:]...), 0o600); err != nil {
			return err
		}
		_, err = w.command(ctx, nil, verify, "verify", sums(), "--policy", policy)
		if err := gateRefuses(err, "artifact"); err != nil {
			return err
		}
		if err := os.WriteFile(sums(), data, 0o600); err != nil {
			return err
		}
		_, err = w.command(ctx, nil, verify, "verify", sums(), "--policy", policy, "--bundle", sums()+".keyless.sigstore.json")
		if err := gateRefuses(err, "bundle"); err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Clean(policy))
		if err != nil {
			return err
		}
		other := w.path("stranger", "other-policy.json")
		if err := os.WriteFile(other, []byte(strings.ReplaceAll(string(text), "linnemanlabs/trustroot", "linnemanlabs/other")), 0o600); err != nil {
			return err
		}
		_, err = w.command(ctx, nil, verify, "verify", sums(), "--policy", other)
		return gateRefuses(err, "identity")
	})
}

// signRelease copies the release and signs the copy as the release workflow.
func (w *world) signRelease(ctx context.Context) (string, error) {
	folder := w.path("work", "dist")
	if err := os.CopyFS(folder, os.DirFS(w.release)); err != nil {
		return "", err
	}
	key, _, err := w.app()
	if err != nil {
		return "", err
	}
	const name, ref = "linnemanlabs/trustroot", "refs/tags/v1.0.0"
	file := name + "/" + workflowFile + "@" + ref
	token, err := w.issuers[githubHost].token(changed(github(ref, "push"), map[string]any{
		"sub": "repo:" + name + ":ref:" + ref, "repository": name, "repository_owner": "linnemanlabs", "workflow_ref": file, "job_workflow_ref": file,
	}))
	if err != nil {
		return "", err
	}
	said := w.path("work", "release.token")
	if err := os.WriteFile(said, []byte(token), 0o600); err != nil {
		return "", err
	}
	_, err = w.command(ctx, []string{"COSIGN=" + w.cosign}, filepath.Join(w.source, "scripts", "release-sign"), "--key", key, "--identity-token", said,
		"--signing-config="+w.wellKnown("signing-config.json"), "--trusted-root="+w.wellKnown("trusted_root.json"), folder)
	return folder, err
}

// unpackRelease checks the sums with coreutils, and takes the verifier out of
// the archive.
func (w *world) unpackRelease(ctx context.Context, folder string) (string, error) {
	if _, err := w.command(ctx, nil, "sh", "-ec", `cd "$1" && sha256sum --check --strict --quiet SHA256SUMS`, "sh", folder); err != nil {
		return "", err
	}
	archives, err := filepath.Glob(filepath.Join(folder, "trustroot_*_linux_amd64.tar.gz"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("archives %v: %w", archives, err)
	}
	to := w.path("stranger")
	if err := os.MkdirAll(to, 0o700); err != nil {
		return "", err
	}
	_, err = w.command(ctx, nil, "tar", "-xzf", archives[0], "-C", to, "--strip-components=1")
	return filepath.Join(to, "trustroot-verify"), err
}

// meet puts beside the repository's policy what it names: the release's key and
// the cache that a TUF client keeps of your instance.
func (w *world) meet(policy, folder, home string) error {
	to := filepath.Dir(policy)
	return errors.Join(
		copyFile(filepath.Join(w.source, "release-policy.json"), policy),
		copyFile(filepath.Join(folder, "release-key.pem"), filepath.Join(to, "release-key.pem")),
		os.CopyFS(filepath.Join(to, "trust"), os.DirFS(filepath.Join(home, ".sigstore", "root", "tuf.example.com"))))
}
