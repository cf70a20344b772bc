package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// generation is what was signed while one set of generations ran, and the
// caches that clients filled then.
type generation struct {
	number                int
	person, workflow, app signed
	home, cache           string // of cosign's TUF client; of npm's
}

func (g *generation) all() []signed { return []signed{g.person, g.workflow, g.app} }

// sign signs in each way: as a person, as a workflow, with a key in KMS. The
// last two are of one artifact, as the deploy gate wants them.
func (w *world) signAll(ctx context.Context, s *suite, number int) (*generation, error) {
	g := &generation{number: number, home: fmt.Sprintf("home%d", number), cache: fmt.Sprintf("npm%d", number)}
	for _, one := range []struct {
		what string
		sign func(context.Context) error
	}{
		{"cosign signs keyless, as a person", func(ctx context.Context) (err error) {
			g.person, err = w.signEmail(ctx, fmt.Sprintf("document%d", number))
			return err
		}},
		{"cosign signs keyless, as a workflow", func(ctx context.Context) (err error) {
			g.workflow, err = w.signWorkflow(ctx, fmt.Sprintf("release%d", number), "push", "refs/tags/v1.0.0")
			return err
		}},
		{"cosign signs with the application's key in KMS", func(ctx context.Context) error {
			key, public, err := w.app()
			if err != nil {
				return err
			}
			g.app, err = w.signKey(ctx, fmt.Sprintf("release%d", number), key, public)
			return err
		}},
	} {
		if err := s.must(ctx, one.what, one.sign); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// app is the application's key in its newest generation: its name in KMS and
// the exported file.
func (w *world) app() (string, string, error) {
	folders, err := filepath.Glob(filepath.Join(w.trust, "apps", "deploy", "g*"))
	if err != nil || len(folders) == 0 {
		return "", "", errors.Join(err, errors.New("no key of the application was exported"))
	}
	folder := slices.Max(folders)
	var key struct {
		ARN string `json:"arn"`
	}
	if err := readJSON(filepath.Join(folder, "key.json"), &key); err != nil {
		return "", "", err
	}
	return "awskms:///" + key.ARN, filepath.Join(folder, "key.pem"), nil
}

// verifyAll has every client judge what was signed, and refuse what was
// tampered with.
func (w *world) verifyAll(ctx context.Context, s *suite, g *generation) {
	var home string
	s.check(ctx, "cosign initialize follows our mirror", func(ctx context.Context) (err error) {
		home, err = w.cosignInitialize(ctx, g.home)
		return err
	})
	clients := []struct {
		name   string
		verify func(context.Context, signed) error
	}{
		{"cosign with our files", func(ctx context.Context, b signed) error {
			return w.cosignWith(ctx, w.wellKnown("trusted_root.json"), b)
		}},
		{"cosign with nothing but our mirror", func(ctx context.Context, b signed) error { return w.cosignMirror(ctx, home, b) }},
		{"npm's sigstore with nothing but our mirror", func(ctx context.Context, b signed) error { return w.npmVerify(ctx, g.cache, b) }},
	}
	names := map[string]signed{"the person's bundle": g.person, "the workflow's bundle": g.workflow, "the key's bundle": g.app}
	for _, c := range clients {
		for _, name := range []string{"the person's bundle", "the workflow's bundle", "the key's bundle"} {
			s.check(ctx, c.name+" verifies "+name, func(ctx context.Context) error { return c.verify(ctx, names[name]) })
		}
		s.check(ctx, c.name+" refuses a tampered artifact", func(ctx context.Context) error {
			for _, b := range []signed{g.person, g.app} {
				o, err := b.other()
				if err != nil {
					return err
				}
				if err := refused(c.verify(ctx, o), ""); err != nil {
					return err
				}
			}
			return nil
		})
	}
	s.check(ctx, "openssl ts -verify accepts the TSA, and no other artifact", func(ctx context.Context) error {
		return w.timestamp(ctx, "timestamped", filepath.Join(w.trust, "authorities", "root", "g1", "certificate.pem"))
	})
}

// archive copies the bundles into the trust directory, where they gate every
// later publication, and has the gate look at them.
func (w *world) archive(ctx context.Context, g *generation) error {
	names, err := os.ReadDir(filepath.Join(w.trust, "bundles"))
	if err != nil {
		return err
	}
	folder := filepath.Join(w.trust, "bundles", names[len(names)-1].Name())
	args := []string{"trusted-root", "check"}
	for _, b := range []signed{g.person, g.workflow} {
		to := filepath.Join(folder, filepath.Base(b.bundle))
		args = append(args, "--bundle", to)
		for from, to := range map[string]string{b.bundle: to, b.artifact: strings.TrimSuffix(to, ".sigstore.json")} {
			if err := copyFile(from, to); err != nil {
				return err
			}
		}
	}
	if _, err := w.trustroot(ctx, args...); err != nil {
		return err
	}
	_, err = w.trustroot(ctx, "trusted-root", "check", "--all")
	return err
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644) //nolint:gosec // what is archived is public
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// replaceOnce replaces a text that must stand there once.
func replaceOnce(text, old, replacement string) (string, error) {
	if n := strings.Count(text, old); n != 1 {
		return "", fmt.Errorf("%q stands there %d times", old, n)
	}
	return strings.Replace(text, old, replacement, 1), nil
}
