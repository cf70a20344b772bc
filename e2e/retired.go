package main

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fork is where a thief of a retired log's key grows a log of their own.
const fork = "fork"

// retired retires Rekor through the command line. A thief has its key and goes
// on: in the log itself, and in a younger tree of their own. cosign accepts what
// comes of it; the gate refuses it by name.
func (w *world) retired(ctx context.Context, s *suite) error {
	s.step("a retired log, and a thief of its key")
	honest, err := w.both(ctx, "honest")
	s.count(ctx, "cosign signs into the log before its end", err)
	if _, err := w.both(ctx, "later"); err != nil {
		return err
	}
	rendered, err := w.render(ctx, "services-thief", "rekor", "--urgent")
	if err != nil {
		return err
	}
	// clients that hold what was published before have no better day than this
	w.held = w.path("work", "held")
	if err := os.CopyFS(w.held, os.DirFS(filepath.Join(w.trust, "trust", ".well-known"))); err != nil {
		return err
	}
	before := w.wellKnown("trusted_root.json")
	w.live["rekor"].stop()
	var list string
	if err := s.must(ctx, "trustroot retire keeps the log's last checkpoint, and the next publication carries it", func(ctx context.Context) (err error) {
		if err := w.successor(ctx); err != nil {
			return err
		}
		if _, err = w.trustroot(ctx, "retire", "rekor"); err != nil {
			return err
		}
		list, err = w.staged(ctx, "retired_logs.json")
		return err
	}); err != nil {
		return err
	}
	s.check(ctx, "the same publication carries the witness policy of the CT log, as it was rendered", func(context.Context) error {
		published, err := os.ReadFile(filepath.Join(filepath.Dir(list), "witness-policies", "tesseract.txt"))
		rendered, errRendered := os.ReadFile(w.path("services-witness", "tesseract", "witness-policy.txt"))
		if !bytes.Equal(published, rendered) {
			err = errors.Join(err, fmt.Errorf("it is\n%s", published))
		}
		return errors.Join(err, errRendered)
	})
	archive := w.path("work", "archive")
	if err := os.CopyFS(filepath.Join(archive, hosts["rekor"]), os.DirFS(w.path("s3", own))); err != nil {
		return err
	}
	_, public, err := w.app()
	if err != nil {
		return err
	}
	trust := map[string]string{"file": before, "retired": list}
	policies := map[string]string{}
	for name, more := range map[string][2]string{"report": {}, "refuse": {"untied", "refuse"}, "tiles": {"tiles", archive}} {
		with := map[string]string{more[0]: more[1]}
		delete(with, "")
		for k, v := range trust {
			with[k] = v
		}
		if policies[name], err = w.policy("policy-retired-"+name+".json", public, with); err != nil {
			return err
		}
	}
	gate := func(ctx context.Context, policy string, b [2]signed) (string, error) {
		said, err := w.command(ctx, nil, w.programs.trustroot, append(gateArguments(policies[policy], b[0].artifact, b[0].bundle, b[1].bundle), "--json")...)
		return string(said), err
	}
	cosign := func(ctx context.Context, what string, b [2]signed) error {
		err := errors.Join(w.cosignWith(ctx, before, b[0]), w.cosignWith(ctx, before, b[1]))
		if err == nil {
			w.remark(what + ": cosign verify-blob accepts both bundles")
		}
		return err
	}
	s.check(ctx, "the gate accepts what the log held before, tied by its archived tiles", func(ctx context.Context) error {
		_, err := gate(ctx, "tiles", honest)
		return err
	})
	var appended, forked [2]signed
	if err := s.must(ctx, "appended to under its old key", func(ctx context.Context) error {
		if err := w.launch(ctx, rendered["rekor"]); err != nil {
			return err
		}
		var err error
		appended, err = w.both(ctx, "appended")
		return err
	}); err != nil {
		return err
	}
	s.check(ctx, "cosign accepts entries that were appended after the end", func(ctx context.Context) error { return cosign(ctx, "appended", appended) })
	s.check(ctx, "the gate refuses them, and says that they were appended afterwards", func(ctx context.Context) error {
		_, err := gate(ctx, "report", appended)
		return gateRefuses(err, "it was appended to afterwards")
	})
	s.check(ctx, "services check names it retired-log-grows", func(ctx context.Context) error { return w.finds(ctx, "rekor", "retired-log-grows") })
	if err := s.must(ctx, "a fork of smaller size under the same key", func(ctx context.Context) error {
		thief := rendered["rekor"]
		thief.store = fork
		if err := w.launch(ctx, thief); err != nil {
			return err
		}
		if err := w.begun(ctx, fork); err != nil {
			return err
		}
		var err error
		forked, err = w.both(ctx, "forked")
		return err
	}); err != nil {
		return err
	}
	s.check(ctx, "cosign accepts the fork's entries", func(ctx context.Context) error { return cosign(ctx, "forked", forked) })
	s.check(ctx, "the gate reports by name that nothing ties them to the last checkpoint", func(ctx context.Context) error {
		said, err := gate(ctx, "report", forked)
		if err == nil && strings.Count(said, "not tied to the last checkpoint of the retired log") != 2 {
			err = fmt.Errorf("it says:\n%s", said)
		}
		return err
	})
	s.check(ctx, "the gate refuses them where its policy says untied: refuse", func(ctx context.Context) error {
		_, err := gate(ctx, "refuse", forked)
		return gateRefuses(err, "it may be a fork; the policy refuses that")
	})
	s.check(ctx, "the gate with the archived tiles refuses them, and says a fork", func(ctx context.Context) error {
		_, err := gate(ctx, "tiles", forked)
		return gateRefuses(err, "the entry's tree is not the beginning of the log: a fork")
	})
	return nil
}

// staged stages the next targets and returns the file of one of them.
func (w *world) staged(ctx context.Context, target string) (string, error) {
	if _, err := w.trustroot(ctx, "tuf", "stage", "targets"); err != nil {
		return "", err
	}
	var found []string
	err := filepath.WalkDir(filepath.Join(w.trust, "staged"), func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, target) {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, fmt.Errorf("no staged change holds %s", target))
	}
	return found[len(found)-1], nil
}

// successor plans the log that follows, whose key this host makes: a signing
// config without any log is refused.
func (w *world) successor(ctx context.Context) error {
	file, err := w.fileKey("successor", elliptic.P256())
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file + ".pub")
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	folder, path := filepath.Join(w.trust, "logs", "rekor2", "g1"), filepath.Join(w.trust, "pki.yaml")
	plan, err := os.ReadFile(path)
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err != nil {
		return err
	}
	const line = "logs:\n"
	text, err := replaceOnce(string(plan), "\n"+line, fmt.Sprintf("\n"+line+"  rekor2: {kind: rekor-v2, origin: rekor2.example.com, url: \"https://rekor2.example.com\", algorithm: P-256, "+
		"generations: [{generation: 1, spki_sha256: \"%x\", start: %s}]}\n", sha256.Sum256(block.Bytes), time.Now().UTC().Format(time.RFC3339)))
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o644), os.WriteFile(filepath.Join(folder, "key.pem"), data, 0o644)); err != nil {
		return err
	}
	_, err = w.trustroot(ctx, "log", "add", "rekor2")
	return err
}
