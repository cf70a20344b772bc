package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

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
