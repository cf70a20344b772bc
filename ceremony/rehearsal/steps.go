package rehearsal

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// Where a rehearsal keeps what a real trust directory never holds.
const (
	tokenState = "rehearsal/token.json"
	kmsState   = "rehearsal/kms.json"
)

func (r *Rehearsal) steps() []step {
	return []step{
		{"a virtual YubiKey on a private PC/SC daemon", r.startToken},
		{"the plan and the ledger", r.writePlan},
		{"keys in KMS, pinned in the plan", r.makeKeys},
		{"the root's token: PIN, PUK and management key", r.provision},
		{"certification requests and checkpoint keys", r.export},
		{"the request that crosses to the ceremony host", r.request},
		{"the ceremony: root, Fulcio and TSA certificates", r.ceremony},
		{"back on the admin host: check and file the record", r.accept},
		{"trusted_root.json and the signing config", r.build},
		{"the TUF repository", r.publish},
		{"a stranger's look: the record, the trusted root, the repository", r.verify},
		{"what the day asked of people", r.count},
	}
}

func (r *Rehearsal) startToken(ctx context.Context) error {
	card, err := virtual.New(virtual.Options{
		Serial: Serial, StateFile: filepath.Join(r.Out, tokenState), Log: &r.tally, OnTouch: r.tally.touch,
		Touch: virtual.Touch{Mode: virtual.TouchDelayed, Delay: time.Millisecond},
	})
	if err != nil {
		return err
	}
	r.card = card
	if r.readers, err = virtual.Start(ctx, "", card); err != nil {
		return err
	}
	// libpcsclite reads it when the first command opens a token
	return os.Setenv("PCSCLITE_CSOCK_NAME", r.readers.Socket())
}

func (r *Rehearsal) writePlan(ctx context.Context) error {
	var roots strings.Builder
	for _, c := range append([]*x509.Certificate{r.card.AttestationRoot()}, r.card.AttestationIntermediates()...) {
		text, err := pki.EncodeCertificate(c)
		if err != nil {
			return err
		}
		roots.Write(text)
	}
	midnight := r.Now.UTC().Truncate(24 * time.Hour)
	r.plan = plan.Example{
		Organization:     Organization,
		Name:             "Example",
		Domain:           domain,
		NotBefore:        midnight,
		Token:            Serial,
		Holders:          []plan.ExampleHolder{{Name: holder, Token: Serial}},
		Threshold:        1,
		SingleHolder:     "a rehearsal has one token",
		App:              app,
		OIDC:             "https://login." + domain,
		AttestationRoots: roots.String(),
	}
	if err := r.savePlan(); err != nil {
		return err
	}
	return r.trustroot(ctx, "init")
}

func (r *Rehearsal) savePlan() error {
	text, err := r.plan.Render()
	if err != nil {
		return err
	}
	path := filepath.Join(r.Out, "pki.yaml")
	r.say("    pki.yaml: %s", path)
	return durable.Replace(path, text, 0o644)
}

func (r *Rehearsal) makeKeys(ctx context.Context) error {
	if r.KMS == "" {
		server, err := local.Start(ctx, local.Options{Addr: "127.0.0.1:0", StateFile: filepath.Join(r.Out, kmsState)})
		if err != nil {
			return err
		}
		r.kms = server
		for _, variable := range server.Env() {
			name, value, _ := strings.Cut(variable, "=")
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
	} else if err := os.Setenv("AWS_ENDPOINT_URL_KMS", r.KMS); err != nil {
		return err
	}
	data, err := r.run(ctx, "--json", "kms", "create")
	if err != nil {
		return err
	}
	var keys []struct {
		Name string `json:"name"`
		ARN  string `json:"arn"`
		SPKI string `json:"found_spki"`
	}
	if err := json.Unmarshal(data, &keys); err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	// on a real day a second person, with other credentials, writes these lines
	r.plan.Keys = map[string]plan.Pin{}
	for _, k := range keys {
		r.say("      %-10s  %s", k.Name, k.ARN)
		r.plan.Keys[k.Name] = plan.Pin{ARN: k.ARN, SPKISHA256: k.SPKI}
	}
	return r.savePlan()
}

func (r *Rehearsal) provision(ctx context.Context) error {
	return r.trustroot(ctx, "token", "provision", "--serial", serial(), "--for-root")
}

func (r *Rehearsal) export(ctx context.Context) error {
	return errors.Join(
		r.trustroot(ctx, "kms", "csr"),
		r.trustroot(ctx, "kms", "export"),
		r.trustroot(ctx, "log", "add", "rekor"),
		r.trustroot(ctx, "log", "add", "tesseract"),
	)
}

func (r *Rehearsal) request(ctx context.Context) error {
	return r.trustroot(ctx, "request", "create", "--ceremony", ceremony, "--out", r.usb)
}

func (r *Rehearsal) requestPath() string { return filepath.Join(r.usb, "0001-"+ceremony+".tar") }

func (r *Rehearsal) recordPath() string {
	return filepath.Join(r.usb, r.Now.UTC().Format(time.DateOnly)+"-"+ceremony)
}

func (r *Rehearsal) ceremony(ctx context.Context) error {
	return r.trustroot(ctx, "ceremony", "root", r.requestPath(), "--serial", serial(), "--out", r.usb, "--allow-network", "--rehearsal")
}

func (r *Rehearsal) accept(ctx context.Context) error {
	return r.trustroot(ctx, "ceremony", "accept", r.recordPath(), "--rehearsal")
}

func (r *Rehearsal) build(ctx context.Context) error {
	return errors.Join(
		r.trustroot(ctx, "trusted-root", "build"),
		r.trustroot(ctx, "signing-config", "build"),
		// until real services do: a bundle under their keys, for the gate
		r.trustroot(ctx, "rehearse", "bundle"),
		r.trustroot(ctx, "trusted-root", "check", "--all"),
	)
}

func (r *Rehearsal) publish(ctx context.Context) error {
	staged := filepath.Join(r.Out, "staged", "0001")
	answer := filepath.Join(r.usb, holder+".json")
	for _, args := range [][]string{
		{"tuf", "invite", holder},
		{"tuf", "join", filepath.Join(r.Out, "holders", holder, "challenge.json"), "--serial", serial(), "--out", answer},
		{"tuf", "join", "--accept", answer, "--rehearsal"},
		{"tuf", "init"},
		{"tuf", "sign", staged, "--serial", serial()},
		{"tuf", "merge", staged},
		{"tuf", "publish", staged, "--rehearsal"},
	} {
		if err := r.trustroot(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rehearsal) verify(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve the repository: %w", err)
	}
	server := &http.Server{Handler: http.FileServerFS(os.DirFS(filepath.Join(r.Out, "tuf"))), ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	defer server.Close()      //nolint:errcheck // nothing is written
	record := filepath.Join(r.Out, "ceremonies", filepath.Base(r.recordPath()))
	return errors.Join(
		r.trustroot(ctx, "ceremony", "verify", record, "--rehearsal"),
		r.trustroot(ctx, "trusted-root", "lint", filepath.Join(r.Out, "trust", ".well-known", "trusted_root.json")),
		r.trustroot(ctx, "tuf", "verify", "http://"+listener.Addr().String(), "--root", filepath.Join(r.Out, "tuf", "1.root.json"), "--rehearsal"),
	)
}
