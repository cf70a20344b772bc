package rehearsal

import (
	"context"
	"crypto/x509"
	"slices"

	"github.com/linnemanlabs/trustroot/pki"
)

func foundingSteps(r *Rehearsal) []step {
	return slices.Concat([]step{
		{title: "virtual YubiKeys on a private PC/SC daemon: the root's, and that of a TUF holder", run: r.do(startTokens)},
		{title: "the plan and the ledger", run: r.do(writePlan)},
		{title: "keys in KMS, pinned in the plan", run: r.do(makeKeys)},
		{title: "the tokens: PIN, PUK and management key", run: r.do(provision), day: ceremonyDay},
		{title: "the TUF holder joins, with a key on their own token", run: r.do(join)},
		{title: "certification requests and checkpoint keys", run: r.do(export)},
		{title: "the request that crosses to the ceremony host", run: r.createRequest},
		{title: "the ceremony: root, Fulcio and TSA certificates", run: r.hold},
		{title: "back on the admin host: check and file the record", run: r.do(accept)},
	}, standbySteps(r), []step{
		{title: "trusted_root.json and the signing config", run: r.do(build), day: publicationDay},
		{title: "the TUF repository", run: func(ctx context.Context) error { return publish(ctx, r, "init") }},
		{title: "a stranger's look: the record, the trusted root, the repository", run: r.do(look)},
		{title: "what the days asked of people", run: r.do(count)},
	})
}

func attestationRoots(r *Rehearsal) (string, error) {
	maker := r.cards[0] // and that of the other
	text, err := pki.EncodeCertificates(append([]*x509.Certificate{maker.AttestationRoot()}, maker.AttestationIntermediates()...))
	return string(text), err
}

func writePlan(ctx context.Context, r *Rehearsal) error {
	first, err := example(r)
	if err != nil {
		return err
	}
	if r.Standby {
		first.CRL = crlURL
	}
	text, err := first.Render()
	if err != nil {
		return err
	}
	if err := r.savePlan(text); err != nil {
		return err
	}
	return r.trustroot(ctx, "init")
}

func makeKeys(ctx context.Context, r *Rehearsal) error {
	if err := startKMS(ctx, r); err != nil {
		return err
	}
	return r.each(ctx, []string{"kms", "create", "--write"}, []string{"tuf", "invite", holder}, []string{"kms", "list", "--pin", "--write"})
}

func provision(ctx context.Context, r *Rehearsal) error {
	return r.each(ctx,
		[]string{"token", "provision", "--serial", serial(Serial), "--for-root"},
		[]string{"token", "provision", "--serial", serial(HolderSerial)},
	)
}

func export(ctx context.Context, r *Rehearsal) error {
	return r.each(ctx,
		[]string{"kms", "csr"},
		[]string{"kms", "export"},
		[]string{"log", "add", "rekor"},
		[]string{"log", "add", "tesseract"},
	)
}

func build(ctx context.Context, r *Rehearsal) error {
	return r.each(ctx,
		[]string{"trusted-root", "build"},
		[]string{"signing-config", "build"},
		// until real services do: a bundle under their keys, for the gate
		[]string{"rehearse", "bundle"},
		[]string{"trusted-root", "check", "--all"},
	)
}

func join(ctx context.Context, r *Rehearsal) error {
	answer := r.in(stick, holder+".json")
	return r.each(ctx,
		[]string{"tuf", "join", r.in("holders", holder, "challenge.json"), "--serial", serial(HolderSerial), "--out", answer},
		[]string{"tuf", "join", "--accept", answer, "--rehearsal"},
	)
}
