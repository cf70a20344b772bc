package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Request is what one verdict is about.
type Request struct {
	Artifact string   // path
	Bundles  []string // paths, in any order
	Policy   *Policy
	Now      time.Time // for the expiry of TUF metadata, and in the report
}

// Verify decides whether the artifact may run. The report is complete either
// way; the error names every check that did not hold, and carries
// fault.Verification.
func Verify(ctx context.Context, req Request) (*Report, error) {
	p := req.Policy
	r := &Report{
		Time:     req.Now,
		Artifact: File{Path: req.Artifact},
		Policy:   File{Path: p.name, SHA256: p.digest},
		Bundles:  map[string]File{}, Signed: map[string]Time{},
	}
	fail := func(bundle, name string, err error) {
		r.Checks = append(r.Checks, Check{Bundle: bundle, Name: name, State: Failed, Detail: err.Error()})
	}
	keys, err := p.keys()
	if err != nil {
		fail(kindKey, "pin", err)
	}
	trusted, data, from, err := p.trust(ctx, req.Now)
	r.Trust = File{Path: from, SHA256: hexSum(data)}
	if err != nil {
		fail("", "trust", err)
	}
	bundles := r.sort(req.Bundles)
	algorithms := map[string]bool{}
	for _, e := range bundles {
		algorithms[e.algorithm()] = true
	}
	for _, kind := range []string{kindKey, kindKeyless} {
		if e := bundles[kind]; e != nil && e.predicate != "" {
			r.Checks = append(r.Checks, p.admit(e))
		}
	}
	a, err := readArtifact(req.Artifact, algorithms)
	if err != nil {
		fail("", "artifact", err)
	} else {
		r.Artifact.SHA256 = a.sha256()
	}
	if trusted != nil && a != nil {
		if e := bundles[kindKey]; e != nil && len(keys) > 0 {
			r.judgeKey(e, a, trusted, keys)
		}
		if e := bundles[kindKeyless]; e != nil {
			r.judgeKeyless(e, a, trusted, p.Keyless)
		}
	}
	return r, r.verdict()
}

// admit wants an attestation's predicate type in the policy.
func (p *Policy) admit(e *evidence) Check {
	c := Check{Bundle: e.kind, Name: "attestation", State: Passed, Got: e.predicate}
	if !slices.Contains(p.Attestations, e.predicate) {
		c.State = Failed
		c.Detail = "it attests something about the artifact, and may as well say that it must not run; the policy's attestations do not name this predicate type"
	}
	return c
}

// sort reads the bundles and finds the one of each kind.
func (r *Report) sort(paths []string) map[string]*evidence {
	found := map[string]*evidence{}
	for _, path := range paths {
		e, err := readEvidence(path)
		if err != nil {
			r.Checks = append(r.Checks, Check{Name: "bundle", State: Failed, Detail: err.Error()})
			continue
		}
		if other := found[e.kind]; other != nil {
			r.Checks = append(r.Checks, Check{Bundle: e.kind, Name: "bundle", State: Failed,
				Detail: fmt.Sprintf("%s and %s are both of this kind", other.path, e.path)})
			continue
		}
		found[e.kind] = e
		r.Bundles[e.kind] = File{Path: e.path, SHA256: e.sha256}
	}
	for _, missing := range []struct{ kind, what string }{{kindKey, "signed by a key"}, {kindKeyless, "with a Fulcio certificate"}} {
		if found[missing.kind] == nil {
			r.Checks = append(r.Checks, Check{Bundle: missing.kind, Name: "bundle", State: Failed,
				Detail: "no bundle " + missing.what + " was given"})
		}
	}
	return found
}

// verdict closes the report: accepted only with both bundles judged and no
// check failed.
func (r *Report) verdict() error {
	var problems []error
	for _, c := range r.Failures() {
		problems = append(problems, errors.New(c.String()))
	}
	judged := map[string]bool{}
	for _, c := range r.Checks {
		if c.Name == sigstoreCheck && c.State == Passed {
			judged[c.Bundle] = true
		}
	}
	if len(problems) == 0 && (!judged[kindKey] || !judged[kindKeyless]) {
		problems = append(problems, errors.New("no verdict was reached on both bundles"))
	}
	if len(problems) == 0 {
		r.Accepted = true
		return nil
	}
	return fault.New(fault.Verification, "do not run this artifact; `trustroot verify --explain` shows every check",
		fmt.Errorf("%s is refused:\n%w", r.Artifact, errors.Join(problems...)))
}

// sigstoreCheck is the whole of sigstore-go's verification of a bundle.
const sigstoreCheck = "sigstore"

// judgeKey asks whether one of the pinned keys signed the artifact.
func (r *Report) judgeKey(e *evidence, a *artifact, trusted root.TrustedMaterial, keys []*publicKey) {
	var verdict error
	var material root.TrustedMaterial
	for _, key := range keys {
		m, err := key.material(trusted)
		if err != nil {
			r.add(e, nil, nil, err)
			return
		}
		if err = verifyWhole(e, a, m, nil, verify.WithKey()); err == nil {
			material, verdict = m, nil
			break
		}
		if material == nil || signedOver(e, m) == nil {
			material, verdict = m, err // of the key that explains most
		}
	}
	checks, signed := steps(e, a, material)
	r.add(e, checks, signed, verdict)
}

// judgeKeyless asks whether the pinned workflow signed the artifact.
func (r *Report) judgeKeyless(e *evidence, a *artifact, trusted root.TrustedMaterial, k Keyless) {
	identity, verdict := k.identity()
	if verdict == nil {
		verdict = verifyWhole(e, a, trusted, []verify.VerifierOption{verify.WithSignedCertificateTimestamps(1)},
			verify.WithCertificateIdentity(identity))
	}
	checks, signed := steps(e, a, trusted)
	checks = append(checks, k.checks(e.vc.Certificate())...)
	r.add(e, checks, signed, verdict)
}

// add enters the checks of a bundle. sigstore-go's own words come in where
// none of the single checks explains its refusal.
func (r *Report) add(e *evidence, checks []Check, signed *Time, verdict error) {
	whole := Check{Name: sigstoreCheck, State: Passed}
	if verdict != nil {
		whole.State, whole.Detail = Failed, verdict.Error()
		for _, c := range checks {
			if c.State == Failed {
				whole.State = Skipped
			}
		}
	}
	for _, c := range append(checks, whole) {
		c.Bundle = e.kind
		r.Checks = append(r.Checks, c)
	}
	if signed != nil {
		r.Signed[e.kind] = *signed
	}
}

// verifyWhole is sigstore-go's verdict on a bundle: a log entry and a signed
// time are always asked for.
func verifyWhole(e *evidence, a *artifact, m root.TrustedMaterial, more []verify.VerifierOption, who verify.PolicyOption) error {
	options := append([]verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}, more...)
	verifier, err := verify.NewVerifier(m, options...)
	if err != nil {
		return err
	}
	name := e.algorithm()
	_, err = verifier.Verify(e.bundle, verify.NewPolicy(verify.WithArtifactDigest(name, a.digests[name]), who))
	return err
}
