package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/witness"
)

// Gate is a policy with its keys and its trust loaded: it judges any number of
// artifacts, from any number of goroutines.
type Gate struct {
	policy *Policy
	now    time.Time
	keys   []*publicKey
	trust  *scoped
	from   File // of the trusted root
	// quorum of witnesses and last checkpoints of retired logs; nil where the
	// policy wants none, and where none is known.
	quorum  *witness.Policy
	retired heads
	before  map[string]heads // of TSAs whose key was stolen, by the hex SHA-256 of its SPKI
	broken  []Check          // what could not be loaded: nothing is accepted
}

// Open loads what the policy names. now is for the expiry of TUF metadata, for
// signed times that are still to come, and in reports. What cannot be loaded
// fails every report.
func Open(ctx context.Context, p *Policy, now time.Time) *Gate {
	g := &Gate{policy: p, now: now}
	fail := func(bundle, name string, err error) {
		g.broken = append(g.broken, Check{Bundle: bundle, Name: name, State: Failed, Detail: err.Error()})
	}
	var err error
	if g.keys, err = p.keys(); err != nil {
		fail(kindKey, "pin", err)
	}
	trusted, data, from, err := p.trust(ctx, now)
	if g.from = (File{Path: from}); data != nil {
		g.from.SHA256 = digest.Hex(data)
	}
	if err != nil {
		fail("", "trust", err)
		return g
	}
	g.trust = p.Trust.scope(trusted)
	for _, err := range []error{g.ties(ctx, p), g.revoke(ctx, p), g.stolen(p)} {
		if err != nil {
			fail("", "trust", err)
		}
	}
	return g
}

// Request is what one verdict is about.
type Request struct {
	Artifact Artifact
	Bundles  []Bundle // in any order
}

// Verify decides whether the artifact may run. The report is complete either
// way; the error names every check that did not hold, and carries
// fault.Verification.
func (g *Gate) Verify(ctx context.Context, req Request) (*Report, error) {
	r := &Report{
		Time: g.now, Artifact: File{Path: req.Artifact.Name}, Policy: File{Path: g.policy.name, SHA256: g.policy.digest}, Trust: g.from,
		Bundles: []Evidence{}, Checks: slices.Clone(g.broken), rule: g.policy,
	}
	all := r.read(req.Bundles)
	algorithms := map[string]bool{}
	for _, e := range all {
		algorithms[e.algorithm()] = true
	}
	a, err := req.Artifact.digest(ctx, algorithms)
	if err != nil {
		r.Checks = append(r.Checks, Check{Name: "artifact", State: Failed, Detail: err.Error()})
		err := r.verdict(false)
		return r, err
	}
	r.Artifact.SHA256 = a.sha256()
	if len(g.broken) == 0 {
		found := make([]*judgement, len(all))
		var wait sync.WaitGroup
		for i, e := range all {
			wait.Go(func() { found[i] = g.judge(e, a) })
		}
		wait.Wait()
		for i, e := range all {
			r.add(i, e, found[i])
		}
	}
	err = r.verdict(r.count(all))
	return r, err
}

// read parses the bundles; what cannot be read is reported as broken.
func (r *Report) read(bundles []Bundle) []*evidence {
	var all []*evidence
	number := map[string]int{}
	for _, b := range bundles {
		e, err := readEvidence(b)
		if err != nil {
			kind := kindOf(b)
			r.unread = append(r.unread, kind)
			r.Checks = append(r.Checks, Check{Bundle: kind, Name: "bundle", State: Failed, Detail: err.Error()})
			continue
		}
		number[e.kind]++
		if e.label = e.kind; number[e.kind] > 1 {
			e.label = fmt.Sprintf("%s%d", e.kind, number[e.kind])
		}
		all = append(all, e)
		r.Bundles = append(r.Bundles, Evidence{Label: e.label, File: File{Path: e.path, SHA256: e.sha256}})
	}
	return all
}

// sigstoreCheck is the whole of sigstore-go's verification of a bundle.
const sigstoreCheck = "sigstore"

// judgement is what was found of a bundle.
type judgement struct {
	checks  []Check
	signed  *Time
	verdict error  // sigstore-go's
	signer  string // whom the policy names
}

// judge verifies one bundle against every signer of its kind that the policy
// names, and keeps what was found of the one that explains most.
func (g *Gate) judge(e *evidence, a *digests) *judgement {
	m := g.trust.asked()
	if e.kind == kindKey {
		return g.judgeKey(e, a, m)
	}
	// who signed is compared below, for every name and claim of the certificate
	whole, err := verifyWhole(e, a, m, verify.WithoutIdentitiesUnsafe(), verify.WithSignedCertificateTimestamps(1))
	j := &judgement{verdict: err}
	j.checks, j.signed = g.steps(e, a, m, whole)
	best := -1
	claims := []Check{{Name: "identity", State: Failed, Detail: "the policy names no keyless identity"}}
	for _, k := range g.policy.Keyless {
		compared := k.compare(e.vc.Certificate())
		if n := len(failures(compared)); best < 0 || n < best {
			best, claims, j.signer = n, compared, k.Issuer+" "+k.Identity
		}
	}
	j.checks = append(j.checks, claims...)
	return j
}

// judgeKey asks whether one of the pinned keys signed the artifact.
func (g *Gate) judgeKey(e *evidence, a *digests, trusted *scoped) *judgement {
	var j *judgement
	var material root.TrustedMaterial
	for _, key := range g.keys {
		for _, hash := range key.hashes() {
			m, err := key.material(trusted, hash)
			if err != nil {
				return &judgement{verdict: err}
			}
			whole, err := verifyWhole(e, a, m, verify.WithKey())
			if j == nil || err == nil || signedOver(e, m) == nil {
				j, material = &judgement{verdict: err, signer: key.spki}, m // of the key that explains most
			}
			if err == nil {
				j.checks, j.signed = g.steps(e, a, m, whole)
				return j
			}
		}
	}
	if j == nil {
		return &judgement{checks: []Check{{Name: "signature", State: Failed, Detail: "the policy names no key"}}, verdict: errors.New("no key")}
	}
	j.checks, j.signed = g.steps(e, a, material, nil)
	return j
}

// admit wants an attestation's predicate type in the policy.
func (p *Policy) admit(e *evidence) Check {
	c := Check{Bundle: e.label, Name: "attestation", State: Passed, Got: e.predicate}
	if !slices.Contains(p.Attestations, e.predicate) {
		c.State = Failed
		c.Detail = "it attests something about the artifact, and may as well say that it must not run; the policy's attestations do not name this predicate type"
	}
	return c
}

// add enters the checks of a bundle. sigstore-go's own words come in where
// none of the single checks explains its refusal.
func (r *Report) add(i int, e *evidence, j *judgement) {
	checks := j.checks
	if e.predicate != "" && e.predicate != signatureOnly {
		checks = append([]Check{r.rule.admit(e)}, checks...)
	}
	whole := Check{Name: sigstoreCheck, State: Passed}
	if j.verdict != nil {
		whole.State, whole.Detail = Failed, j.verdict.Error()
		if len(failures(j.checks)) > 0 {
			whole.State = Skipped
		}
	}
	for _, c := range append(checks, whole) {
		c.Bundle = e.label
		r.Checks = append(r.Checks, c)
	}
	b := &r.Bundles[i]
	b.Signed = j.signed
	if b.Holds = j.verdict == nil && len(failures(checks)) == 0; b.Holds {
		b.Signer = j.signer
	}
}

// verdict closes the report.
func (r *Report) verdict(enough bool) error {
	if enough && len(r.Bundles) > 0 {
		r.Accepted = true
		return nil
	}
	problems := []error{fmt.Errorf("%s is refused", r.Artifact)}
	for _, c := range r.Failures() {
		problems = append(problems, errors.New(c.String()))
	}
	return fault.New(fault.Verification, "do not run this artifact; `trustroot verify --explain` shows every check", errors.Join(problems...))
}

// verifyWhole is sigstore-go's verdict on a bundle: a log entry and a signed
// time are always asked for.
func verifyWhole(e *evidence, a *digests, m root.TrustedMaterial, who verify.PolicyOption, more ...verify.VerifierOption) (*verify.VerificationResult, error) {
	options := append([]verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1), verify.WithoutStatementPredicate()}, more...)
	verifier, err := verify.NewVerifier(m, options...)
	if err != nil {
		return nil, err
	}
	name := e.algorithm()
	return verifier.Verify(e.bundle, verify.NewPolicy(verify.WithArtifactDigest(name, a.sums[name]), who))
}
