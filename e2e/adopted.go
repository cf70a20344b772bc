package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/adopt/twin"
	"github.com/linnemanlabs/trustroot/internal/pty"
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
	t, err := twin.Make(published, filepath.Join(a.dir, "published"), "linnemanlabs.com", "REHEARSAL ll.com")
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
func (a *adoption) rootKey(t *twin.Twin) error {
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

// renew gives every service a key in KMS, certified at the root's token, and
// publishes it by TUF. Signers are sent to the log of the other instance too.
func (a *adoption) renew(ctx context.Context) error {
	begin := time.Now().UTC().Truncate(time.Second)
	if err := a.each(ctx,
		[]string{"renew", "fulcio", "tsa", "spire", "--new-key", "--ceremony", "renewal", "--day", a.day.Format(time.DateOnly), "--token", fmt.Sprint(adoptedRoot), "--write"},
		[]string{"renew", "rekor", "tesseract", "--new-key", "--start", begin.Format(time.RFC3339), "--write"},
	); err != nil {
		return err
	}
	if err := a.edit(func(p *plan.Plan) error { return a.plan(p, begin) }); err != nil {
		return err
	}
	if err := a.typed(ctx, "", "kms", "create"); err != nil {
		return err
	}
	if err := a.pin(ctx); err != nil {
		return err
	}
	if err := a.spireKey(ctx); err != nil {
		return err
	}
	usb := filepath.Join(a.dir, "usb")
	if err := os.Mkdir(usb, 0o755); err != nil {
		return err
	}
	if err := a.each(ctx, []string{"kms", "csr"}, []string{"kms", "export"}, []string{"log", "add", "rekor"}, []string{"log", "add", "tesseract"},
		[]string{"request", "create", "--out", usb, "--csr", filepath.Join(a.dir, "spire.csr")}); err != nil {
		return err
	}
	request := filepath.Join(usb, "0001-renewal.tar")
	data, err := a.trustroot(ctx, "--json", "request", "show", request)
	if err != nil {
		return err
	}
	var shown struct {
		Words string `json:"words"`
	}
	if err := json.Unmarshal(data, &shown); err != nil {
		return err
	}
	if err := a.typed(ctx, rootPaper+shown.Words+"\n", "ceremony", "run", request, "--serial", fmt.Sprint(adoptedRoot), "--out", usb, "--allow-network", "--rehearsal"); err != nil {
		return err
	}
	return a.each(ctx, []string{"ceremony", "accept", "--rehearsal", filepath.Join(usb, a.day.Format(time.DateOnly)+"-renewal")}, []string{"ledger", "verify"})
}

// plan writes what the way to TUF and to both logs needs.
func (a *adoption) plan(p *plan.Plan, begin time.Time) error {
	c := p.Ceremonies["renewal"]
	c.NotBefore = begin
	p.Ceremonies["renewal"] = c
	p.Exceptions = append(p.Exceptions, plan.Exception{Name: plan.ExceptionSingleHolder, Reason: "one maintainer"})
	p.Holders = map[string]plan.Holder{"alice": {Token: adoptedHolder, Slot: "9a"}}
	role := plan.Role{Holders: []string{"alice"}, Threshold: 1, Expiry: 365, Resign: 45}
	p.TUF = &plan.TUF{
		URL: "https://" + adoptedHosts["tuf"], Root: role, Targets: role, Snapshot: plan.OnlineRole{Expiry: 30, Resign: 10},
		Timestamp: plan.OnlineRole{Expiry: 7, Resign: 6}, OnlineKey: plan.Generation{Generation: 1},
	}
	p.OIDC = []plan.Provider{{Issuer: "https://" + adoptedHosts["login"], Type: "email"}}
	included := func(name string) (plan.Include, error) {
		data, err := os.ReadFile(filepath.Join(a.w.trust, "trust", ".well-known", name))
		if err != nil {
			return plan.Include{}, err
		}
		if data, err = withoutTSA(data); err != nil {
			return plan.Include{}, err
		}
		to := filepath.Join(a.trust(), "include", name)
		sum := sha256.Sum256(data)
		return plan.Include{Path: "include/" + name, SHA256: hex.EncodeToString(sum[:])}, errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, data, 0o600))
	}
	root, errR := included("trusted_root.json")
	config, errC := included("signing-config.json")
	p.Include = []plan.Include{root}
	if p.Signing == nil || p.Signing.Rekor.Selector != "ALL" {
		return fmt.Errorf("the published selector of logs is lost: %+v", p.Signing)
	}
	p.Signing.Include = []plan.Include{config}
	return errors.Join(errR, errC)
}

// withoutTSA takes the timestamp authorities out of a signing config: cosign asks
// one by chance of those that are offered, and two cannot run on one machine.
func withoutTSA(data []byte) ([]byte, error) {
	var config map[string]json.RawMessage
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, err
	}
	delete(config, "tsaUrls")
	return json.Marshal(config)
}

// pin writes the keys that were made into the plan.
func (a *adoption) pin(ctx context.Context) error {
	data, err := a.trustroot(ctx, "--json", "kms", "create")
	if err != nil {
		return err
	}
	var made []struct {
		Kind, Name, ARN string
		Generation      int
		SPKI            string `json:"found_spki"`
	}
	if err := json.Unmarshal(data, &made); err != nil {
		return err
	}
	return a.edit(func(p *plan.Plan) error {
		for _, m := range made {
			g := &p.TUF.OnlineKey
			switch m.Kind {
			case "authorities":
				g = &p.Authorities[m.Name].Generations[m.Generation-1]
			case "logs":
				g = &p.Logs[m.Name].Generations[m.Generation-1]
			}
			g.Key, g.SPKISHA256 = m.ARN, m.SPKI
		}
		if len(made) != 5 {
			return fmt.Errorf("%d keys were made, for four services and the repository: %+v", len(made), made)
		}
		return nil
	})
}

// distribute takes the holder in and publishes the first repository.
func (a *adoption) distribute(ctx context.Context) error {
	serial, answer := fmt.Sprint(adoptedHolder), filepath.Join(a.dir, "alice.json")
	staged := filepath.Join(a.trust(), "staged", "0001")
	if err := a.typed(ctx, holderPaper, "token", "provision", "--serial", serial); err != nil {
		return err
	}
	if err := a.each(ctx, []string{"tuf", "invite", "alice"}); err != nil {
		return err
	}
	if err := a.typed(ctx, holderPaper, "tuf", "join", filepath.Join(a.trust(), "holders", "alice", "challenge.json"), "--serial", serial, "--out", answer); err != nil {
		return err
	}
	if err := a.each(ctx, []string{"tuf", "join", "--accept", answer, "--rehearsal"}, []string{"tuf", "init"}); err != nil {
		return err
	}
	if err := a.typed(ctx, holderPaper, "tuf", "sign", staged, "--serial", serial); err != nil {
		return err
	}
	return a.each(ctx, []string{"tuf", "merge", staged}, []string{"tuf", "publish", staged, "--rehearsal"})
}

// spireKey makes the key of the SPIRE CA, which is handed to a pipe alone, and
// pins it in the plan.
func (a *adoption) spireKey(ctx context.Context) error {
	csr := filepath.Join(a.dir, "spire.csr")
	key, err := a.trustroot(ctx, "request", "key", "spire", "--csr", csr)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(csr)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s is not PEM", csr)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(request.RawSubjectPublicKeyInfo)
	return errors.Join(os.WriteFile(filepath.Join(a.dir, "spire.key"), key, 0o600), a.edit(func(p *plan.Plan) error {
		generations := p.Authorities["spire"].Generations
		generations[len(generations)-1].SPKISHA256 = hex.EncodeToString(sum[:])
		return nil
	}))
}

// spire renders what SPIRE's server is given, and has go-spiffe judge what that
// server issues below it.
func (a *adoption) spire(ctx context.Context) error {
	out := filepath.Join(a.dir, "spire")
	if _, err := a.trustroot(ctx, "services", "render", "spire", "--out", out); err != nil {
		return err
	}
	out = filepath.Join(out, "spire")
	if err := os.Rename(filepath.Join(a.dir, "spire.key"), filepath.Join(out, "spire.key")); err != nil {
		return err
	}
	_, err := a.w.command(ctx, nil, a.w.consumers, "spire", out)
	return err
}
