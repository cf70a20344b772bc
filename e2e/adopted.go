package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/pty"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// adoption is a trust directory that was adopted from published files, under
// keys at hand: the root's in a token as its maker keeps one, the rest in KMS.
type adoption struct {
	w      *world
	dir    string // folder of all its files; the trust directory is trust below it
	socket string // variable of the tokens' daemon
	day    time.Time
}

// The tokens of an adoption: the root's, which an editor's hands set up, and
// that of the only holder.
const adoptedRoot, adoptedHolder = 41000001, 41000002

// What is typed at each token, and at the questions of adopt.
const (
	adoptAnswers = "Who answers\talice\n> $\t\n"
	rootPaper    = "PIN[^\\n]*: $\t384756\n"
	holderPaper  = "PIN[^\\n]*: $\t506172\nPUK[^\\n]*: $\t18273645\n"
)

// adopt makes a twin of published files with the same shape and other keys, and
// a trust directory of it as a person does, at a terminal.
func (w *world) adopt(ctx context.Context, published string) (*adoption, error) {
	a := &adoption{w: w, dir: w.path("adopted"), day: time.Now().UTC().Truncate(24 * time.Hour)}
	t, err := testpki.NewTwin(published, filepath.Join(a.dir, "published"), "linnemanlabs.com", "REHEARSAL ll.com")
	if err != nil {
		return nil, err
	}
	if err := a.rootKey(t); err != nil {
		return nil, err
	}
	if err := a.plugIn(ctx); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"-a", "change-pin", "-P", "123456", "-N", "384756"},
		{"-a", "change-puk", "-P", "12345678", "-N", "91827364"},
		{"-a", "import-key", "-s", "9c", "--pin-policy=always", "--touch-policy=always", "-i", filepath.Join(a.dir, "root.pem")},
	} {
		if _, err := w.command(ctx, []string{a.socket}, "yubico-piv-tool", args...); err != nil {
			return nil, err
		}
	}
	state := filepath.Join(a.dir, "published", "token.json")
	return a, errors.Join(
		a.typed(ctx, rootPaper, "token", "protect", "--serial", fmt.Sprint(adoptedRoot)),
		a.typed(ctx, rootPaper, "token", "adopt", "--serial", fmt.Sprint(adoptedRoot), "--out", state),
		a.typed(ctx, adoptAnswers, "adopt", filepath.Join(a.dir, "published"), "--rehearsal", filepath.Join(a.dir, "maker.pem")),
	)
}

func (a *adoption) trust() string { return filepath.Join(a.dir, "trust") }

// rootKey writes the root's key as openssl does.
func (a *adoption) rootKey(t *testpki.Twin) error {
	for _, c := range t.Certificates {
		if !bytes.Equal(c.RawIssuer, c.RawSubject) {
			continue
		}
		der, err := x509.MarshalECPrivateKey(t.Key(c.RawSubjectPublicKeyInfo))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(a.dir, "root.pem"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
	}
	return errors.New("the published files have no root")
}

// plugIn plugs in both tokens, of old firmware.
func (a *adoption) plugIn(ctx context.Context) error {
	p, err := a.w.start("tokens", nil, a.w.programs.trustroot, "token", "virtual", "--firmware", "5.4.3", "--serial", fmt.Sprint(adoptedRoot),
		"--state", filepath.Join(a.dir, "root.json"), "--state", filepath.Join(a.dir, "holder.json"), "--attestation-roots", filepath.Join(a.dir, "maker.pem"))
	if err != nil {
		return err
	}
	return p.until(ctx, func(context.Context) error {
		said, err := os.ReadFile(p.log)
		for line := range strings.Lines(string(said)) {
			if strings.HasPrefix(line, "PCSCLITE_CSOCK_NAME=") {
				a.socket = strings.TrimSpace(line)
				return nil
			}
		}
		return errors.Join(err, errors.New("no token is plugged in"))
	})
}

// typed runs trustroot in the trust directory, at a terminal at which a person
// has a paper.
func (a *adoption) typed(ctx context.Context, paper string, args ...string) error {
	p, err := pty.ReadPaper(paper)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.w.programs.trustroot, append([]string{"--dir", a.trust()}, args...)...) //nolint:gosec // the program that this is about
	var said, screen strings.Builder
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(a.w.env(), a.socket), a.dir, &said, &said
	if err := pty.Run(cmd, p.Answer, &screen); err != nil {
		return fmt.Errorf("trustroot %s: %w\n%s\n%s", strings.Join(args[:min(2, len(args))], " "), err, tail(said.String()), tail(screen.String()))
	}
	return nil
}

// trustroot runs a command that asks nothing.
func (a *adoption) trustroot(ctx context.Context, args ...string) ([]byte, error) {
	return a.w.command(ctx, []string{a.socket}, a.w.programs.trustroot, append([]string{"--dir", a.trust()}, args...)...)
}

// each runs commands one after the other.
func (a *adoption) each(ctx context.Context, all ...[]string) error {
	for _, args := range all {
		if _, err := a.trustroot(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// edit changes the plan, as a person does in an editor.
func (a *adoption) edit(change func(*plan.Plan) error) error {
	path := filepath.Join(a.trust(), "pki.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	p, err := plan.Parse(path, data)
	if err != nil {
		return err
	}
	if err := change(p); err != nil {
		return err
	}
	if data, err = p.Marshal(); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
