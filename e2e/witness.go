package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The witness of the operator's own: its name in the plan, and its host.
const witnessName, witnessHost = "own", "witness.example.com"

// witnessKey makes the key of a witness, in a file as an omniwitness reads it,
// and returns its verifier string (C2SP signed-note, tlog-cosignature).
func (w *world) witnessKey() (file, verifier string, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	key := append([]byte{4}, public...)
	hash := sha256.Sum256(append([]byte(witnessHost+"\n"), key...))
	id := fmt.Sprintf("%s+%x+", witnessHost, hash[:4])
	file = w.path("work", "witness.key")
	// it takes every byte of the file for the key's
	err = os.WriteFile(file, []byte("PRIVATE+KEY+"+id+base64.StdEncoding.EncodeToString(append([]byte{4}, private.Seed()...))), 0o600)
	return file, id + base64.StdEncoding.EncodeToString(key), err
}

// wantWitness has the plan want a witness for both logs.
func (w *world) wantWitness(verifier string) error {
	path := filepath.Join(w.trust, "pki.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(data)
	for _, kind := range []string{"rekor-v2", "static-ct"} {
		line := "    kind: " + kind + "\n"
		if text, err = replaceOnce(text, line, line+"    witnesses: ["+witnessName+"]\n    quorum: 1\n"); err != nil {
			return err
		}
	}
	text += fmt.Sprintf("\nwitnesses:\n  %s: {key: %q, url: %q}\n", witnessName, verifier, "https://"+witnessHost)
	return os.WriteFile(path, []byte(text), 0o644)
}

// startWitness starts the real omniwitness on the rendered list of logs.
func (w *world) startWitness(ctx context.Context, key, logs string) (*process, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse("http://127.0.0.1:" + ports[0])
	if err != nil {
		return nil, err
	}
	p, err := w.start("omniwitness", nil, w.omniwitness, "--listen", target.Host, "--metrics_listen", "", "--logtostderr",
		"--db_file", w.path("work", "witness.db"), "--private_key_path", key, "--additional_logs", logs)
	if err != nil {
		return nil, err
	}
	server := httputil.NewSingleHostReverseProxy(target)
	server.ErrorLog = log.New(io.Discard, "", 0) // the logs ask a witness that is stopped
	w.proxy.set(witnessHost, server)
	err = p.until(ctx, func(context.Context) error { return listens(target.Host) })
	return p, err
}

// witnessed has our own witness cosign both logs, all of them set up from
// rendered files alone, and stops it in the middle: the logs publish on, and
// services check and the gate say so.
func (w *world) witnessed(ctx context.Context, s *suite) error {
	s.step("a witness, stopped in the middle")
	var key string
	var rendered map[string]service
	if err := s.must(ctx, "services render writes the witness's list of logs, and the policy for both logs", func(ctx context.Context) (err error) {
		file, verifier, err := w.witnessKey()
		key = file
		if err := errors.Join(err, w.wantWitness(verifier)); err != nil {
			return err
		}
		rendered, err = w.render(ctx, "services-witness", "all", "--urgent")
		return err
	}); err != nil {
		return err
	}
	var witness *process
	if err := s.must(ctx, "the omniwitness starts as rendered", func(ctx context.Context) (err error) {
		witness, err = w.startWitness(ctx, key, w.path("services-witness", "omniwitness.yaml"))
		return err
	}); err != nil {
		return err
	}
	if err := w.switchTo(ctx, s, rendered, "tesseract", "rekor"); err != nil {
		return err
	}
	policy, err := w.witnessPolicy(rendered["rekor"].folder)
	if err != nil {
		return err
	}
	cosigned, err := w.both(ctx, "cosigned")
	s.count(ctx, "cosign signs with a witness beside the logs", err)
	s.check(ctx, "services check sees the quorum of both logs", func(ctx context.Context) error {
		return w.quorum(ctx, witness, 1, 0)
	})
	s.check(ctx, "the gate with the rendered policy accepts cosigned entries", func(ctx context.Context) error {
		return w.verify(ctx, policy, cosigned[0].artifact, cosigned[0].bundle, cosigned[1].bundle)
	})
	witness.stop()
	alone, err := w.both(ctx, "unwitnessed")
	s.count(ctx, "cosign signs on without the witness: both logs publish all the same", err)
	s.check(ctx, "services check names witness-quorum for both logs within one interval of their checkpoints", func(ctx context.Context) error {
		return w.quorum(ctx, w.live["rekor"], 0, 2)
	})
	s.check(ctx, "cosign accepts the unwitnessed entries", func(ctx context.Context) error {
		return errors.Join(w.cosignWith(ctx, w.wellKnown("trusted_root.json"), alone[0]), w.cosignWith(ctx, w.wellKnown("trusted_root.json"), alone[1]))
	})
	s.check(ctx, "the gate with the rendered policy refuses them, and says quorum", func(ctx context.Context) error {
		return gateRefuses(w.verify(ctx, policy, alone[0].artifact, alone[0].bundle, alone[1].bundle), "fewer than the policy's quorum")
	})
	return nil
}

// interval is how long a log may take to publish a checkpoint after an entry.
const interval = 10 * time.Second

// quorum asks services check until each log has so many cosignatures, and so
// many logs miss their quorum, for one interval.
func (w *world) quorum(ctx context.Context, p *process, cosigned, missed int) error {
	ctx, cancel := context.WithTimeout(ctx, interval)
	defer cancel()
	return p.until(ctx, func(ctx context.Context) error {
		r, err := w.ask(ctx, "rekor", "tesseract")
		if err != nil {
			return err
		}
		said := 0
		for _, f := range r.Findings {
			if strings.HasPrefix(f.ID, "witness-") {
				said++
				w.remark(f.Text)
			}
		}
		if said != missed || len(r.Answers) != 2 || r.Answers[0].Witnesses != cosigned || r.Answers[1].Witnesses != cosigned {
			return errors.New(r.said())
		}
		return nil
	})
}

// both signs an artifact with the application's key and as the workflow.
func (w *world) both(ctx context.Context, name string) ([2]signed, error) {
	key, public, err := w.app()
	if err != nil {
		return [2]signed{}, err
	}
	byKey, keyErr := w.signKey(ctx, name, key, public)
	keyless, keylessErr := w.signWorkflow(ctx, name, "workflow", "push", "refs/tags/v1.0.0")
	return [2]signed{byKey, keyless}, errors.Join(keyErr, keylessErr)
}

// witnessPolicy is the gate's policy that demands the rendered quorum.
func (w *world) witnessPolicy(folder string) (string, error) {
	_, public, err := w.app()
	if err != nil {
		return "", err
	}
	return w.policy("policy-witness.json", public, map[string]string{
		"file": w.wellKnown("trusted_root.json"), "witnesses": filepath.Join(folder, "witness-policy.txt")})
}
