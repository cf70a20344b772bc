package rehearsal

import (
	"context"
	"crypto/x509"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func (r *Rehearsal) foundingSteps() []step {
	return []step{
		{"a virtual YubiKey on a private PC/SC daemon", r.startToken},
		{"the plan and the ledger", r.writePlan},
		{"keys in KMS, pinned in the plan", r.makeKeys},
		{"the root's token: PIN, PUK and management key", r.provision},
		{"certification requests and checkpoint keys", r.export},
		{"the request that crosses to the ceremony host", r.createRequest},
		{"the ceremony: root, Fulcio and TSA certificates", r.ceremonyRoot},
		{"back on the admin host: check and file the record", r.accept},
		{"trusted_root.json and the signing config", r.build},
		{"the TUF repository", r.publishFirst},
		{"a stranger's look: the record, the trusted root, the repository", r.look},
		{"what the day asked of people", r.count},
	}
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
	r.example = plan.Example{
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
	if err := r.saveExample(); err != nil {
		return err
	}
	return r.trustroot(ctx, "init")
}

func (r *Rehearsal) saveExample() error {
	text, err := r.example.Render()
	if err != nil {
		return err
	}
	return r.savePlan(text)
}

func (r *Rehearsal) makeKeys(ctx context.Context) error {
	if err := r.startKMS(ctx); err != nil {
		return err
	}
	keys, err := r.createKeys(ctx)
	if err != nil {
		return err
	}
	r.example.Keys = map[string]plan.Pin{}
	for _, k := range keys {
		r.example.Keys[k.Name] = k.pin()
	}
	return r.saveExample()
}

func (r *Rehearsal) provision(ctx context.Context) error {
	return r.trustroot(ctx, "token", "provision", "--serial", serial(), "--for-root")
}

func (r *Rehearsal) export(ctx context.Context) error {
	return r.each(ctx,
		[]string{"kms", "csr"},
		[]string{"kms", "export"},
		[]string{"log", "add", "rekor"},
		[]string{"log", "add", "tesseract"},
	)
}

func (r *Rehearsal) ceremonyRoot(ctx context.Context) error { return r.hold(ctx, "root") }

func (r *Rehearsal) build(ctx context.Context) error {
	return r.each(ctx,
		[]string{"trusted-root", "build"},
		[]string{"signing-config", "build"},
		// until real services do: a bundle under their keys, for the gate
		[]string{"rehearse", "bundle"},
		[]string{"trusted-root", "check", "--all"},
	)
}

func (r *Rehearsal) publishFirst(ctx context.Context) error {
	answer := r.in(stick, holder+".json")
	err := r.each(ctx,
		[]string{"tuf", "invite", holder},
		[]string{"tuf", "join", r.in("holders", holder, "challenge.json"), "--serial", serial(), "--out", answer},
		[]string{"tuf", "join", "--accept", answer, "--rehearsal"},
	)
	if err != nil {
		return err
	}
	return r.publish(ctx, "init")
}
