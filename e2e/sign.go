package main

import (
	"context"
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
	home, cache           string // folder of cosign's TUF client; of npm's
}

// signAll signs in each way: as a person, as a workflow, with a key in KMS. The
// last two are of one artifact, as the deploy gate wants them.
func (w *world) signAll(ctx context.Context, s *suite, number int) (*generation, error) {
	g := &generation{number: number, home: w.path(fmt.Sprintf("home%d", number)), cache: w.path(fmt.Sprintf("npm%d", number))}
	release := fmt.Sprintf("release%d", number)
	all := s.together(ctx,
		check{"cosign signs keyless, as a person", func(ctx context.Context) (err error) {
			g.person, err = w.signEmail(ctx, fmt.Sprintf("document%d", number), "")
			return err
		}},
		check{"cosign signs keyless, as a workflow", func(ctx context.Context) (err error) {
			g.workflow, err = w.signWorkflow(ctx, release, "workflow", "push", "refs/tags/v1.0.0")
			return err
		}},
		check{"cosign signs with the application's key in KMS", func(ctx context.Context) error {
			key, public, err := w.app()
			if err != nil {
				return err
			}
			g.app, err = w.signKey(ctx, release, key, public)
			return err
		}},
	)
	if !all {
		return nil, errStop
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
// tampered with. Clients that follow the mirror keep their caches.
func (w *world) verifyAll(ctx context.Context, s *suite, g *generation) {
	s.check(ctx, "cosign initialize follows our mirror", func(ctx context.Context) error { return w.cosignInitialize(ctx, g.home) })
	s.together(ctx, w.judges(g, func(ctx context.Context, b signed) error {
		return w.cosignWith(ctx, w.wellKnown("trusted_root.json"), b)
	},
		"cosign with our files")...)
	s.together(ctx, w.judges(g, func(ctx context.Context, b signed) error { return w.cosignMirror(ctx, g.home, b) },
		"cosign with nothing but our mirror")...)
	s.check(ctx, "cosign signs with nothing but our mirror", func(ctx context.Context) error {
		b, err := w.signEmail(ctx, fmt.Sprintf("mirror%d", g.number), g.home)
		if err != nil {
			return err
		}
		return w.cosignMirror(ctx, g.home, b)
	})
	s.together(ctx, w.judges(g, func(ctx context.Context, b signed) error { return w.npmVerify(ctx, g.cache, b) },
		"npm's sigstore with nothing but our mirror")...)
}

// judges are the checks of one client.
func (w *world) judges(g *generation, verify func(context.Context, signed) error, client string) []check {
	var out []check
	for _, b := range []struct {
		name   string
		bundle signed
	}{{"the person's bundle", g.person}, {"the workflow's bundle", g.workflow}, {"the key's bundle", g.app}} {
		out = append(out, check{client + " verifies " + b.name, func(ctx context.Context) error { return verify(ctx, b.bundle) }})
	}
	return append(out, check{client + " refuses a tampered artifact", func(ctx context.Context) error {
		for _, b := range []signed{g.person, g.app} {
			o, err := b.other()
			if err != nil {
				return err
			}
			if err := refused(verify(ctx, o), "signature"); err != nil {
				return err
			}
		}
		return nil
	}})
}

// archive copies the bundles into the trust directory, where they gate every
// later publication, and has the gate look at them.
func (w *world) archive(ctx context.Context, g *generation) error {
	if err := w.archiveIn(ctx, g.number, g.person, g.workflow, g.app); err != nil { // the last by the ledger's key
		return err
	}
	_, err := w.trustroot(ctx, "trusted-root", "check", "--all")
	return err
}

// archiveIn copies bundles beside those of a generation of Fulcio.
func (w *world) archiveIn(ctx context.Context, number int, bundles ...signed) error {
	entries, err := os.ReadDir(filepath.Join(w.trust, "bundles"))
	if err != nil {
		return err
	}
	folder, prefix := "", fmt.Sprintf("fulcio-g%d_", number)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			folder = filepath.Join(w.trust, "bundles", e.Name())
		}
	}
	if folder == "" {
		return fmt.Errorf("bundles/ has no folder %s*", prefix)
	}
	args := []string{"trusted-root", "check"}
	for _, b := range bundles {
		to := filepath.Join(folder, filepath.Base(b.bundle))
		args = append(args, "--bundle", to)
		for from, to := range map[string]string{b.bundle: to, b.artifact: strings.TrimSuffix(to, ".sigstore.json")} {
			if err := copyFile(from, to); err != nil {
				return err
			}
		}
	}
	_, err = w.trustroot(ctx, args...)
	return err
}
