package gate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// steps looks at each part of a bundle by itself, so that a refusal names what
// is wrong. They are the parts of which sigstore-go's verification is made; the
// verdict is the whole's, and they can only add refusals; whole is nil where it
// refuses, and says what need not be verified again where it does not.
func (g *Gate) steps(e *evidence, a *digests, m root.TrustedMaterial, whole *verify.VerificationResult) ([]Check, *Time) {
	checks := []Check{e.artifactStep(a)}
	signature := e.signatureStep(m, whole)
	stamps, refusal := e.stamps(m)
	log, logTimes := g.logStep(e, m, whole, signature.State == Passed, stamps)
	stamp, times := g.timeStep(e, stamps, logTimes, refusal)
	checks = append(checks, signature, log, stamp)
	if cert := e.vc.Certificate(); cert != nil {
		checks = append(checks, g.certificateSteps(cert, times, m, whole)...)
	}
	if len(times) == 0 {
		return checks, nil
	}
	return checks, &Time{Time: times[0].Time.UTC(), Source: times[0].URI}
}

// artifactStep compares the artifact with what the bundle speaks of.
func (e *evidence) artifactStep(a *digests) Check {
	name := e.algorithm()
	c := Check{Name: "artifact", State: Failed, Got: name + ":" + hex.EncodeToString(a.sums[name])}
	for _, d := range e.stated {
		if d.Algorithm != name {
			continue
		}
		if bytes.Equal(d.Digest, a.sums[name]) {
			return Check{Name: c.Name, State: Passed, Got: c.Got}
		}
		c.Want = name + ":" + hex.EncodeToString(d.Digest)
	}
	c.Detail = "the bundle signs another artifact"
	return c
}

// signatureStep verifies the signature over what the bundle itself states, by
// the certificate's key or the pinned one. Where the whole holds it was verified.
func (e *evidence) signatureStep(m root.TrustedMaterial, whole *verify.VerificationResult) Check {
	c := Check{Name: "signature", State: Passed}
	if whole != nil {
		return c
	}
	if err := signedOver(e, m); err != nil {
		c.State, c.Detail = Failed, err.Error()
		if e.kind == kindKey {
			c.Detail = "no pinned key made it: " + c.Detail
		}
	}
	return c
}

func signedOver(e *evidence, m root.TrustedMaterial) error {
	err := verify.VerifySignatureWithArtifactDigests(e.sc, e.vc, m, e.stated[:1])
	cert := e.vc.Certificate()
	if err == nil || cert == nil {
		return err
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve == elliptic.P256() {
		return err
	}
	// older clients sign with SHA-256 whatever the curve, and sigstore-go takes it
	compatible, loadErr := (&publicKey{key: key}).material(m, crypto.SHA256)
	if loadErr != nil || verify.VerifySignatureWithArtifactDigests(e.sc, byKeyAlone{e.vc}, compatible, e.stated[:1]) != nil {
		return err
	}
	return nil
}

// byKeyAlone is a certificate's bundle seen as one by a key.
type byKeyAlone struct{ verify.VerificationContent }

// Certificate implements verify.VerificationContent.
func (byKeyAlone) Certificate() *x509.Certificate { return nil }

// PublicKey implements verify.VerificationContent.
func (byKeyAlone) PublicKey() verify.PublicKeyProvider { return noHint{} }

type noHint struct{}

// Hint implements verify.PublicKeyProvider.
func (noHint) Hint() string { return "" }

// stamps are the times that trusted TSAs signed. The error is of none; one that
// another TSA made beside a good one is not an error.
func (e *evidence) stamps(m root.TrustedMaterial) ([]root.Timestamp, error) {
	stamps, refused, err := verify.VerifySignedTimestamp(e.bundle, m)
	times := make([]root.Timestamp, 0, len(stamps))
	for _, s := range stamps {
		times = append(times, *s)
	}
	if err == nil && len(times) == 0 {
		err = errors.Join(refused...)
	}
	return times, err
}

// maxAhead is how far a signed time may lie ahead of this host's clock. With a
// clock that was set back, expired metadata would be current again.
const maxAhead = 5 * time.Minute

// timeStep wants a verified time, those of TSAs first, of the sides that the
// policy counts.
func (g *Gate) timeStep(e *evidence, stamps, logTimes []root.Timestamp, refusal error) (Check, []root.Timestamp) {
	c := Check{Name: "timestamp", State: Failed}
	missing := sides(g.policy.Trust.Time)
	var times []root.Timestamp
	for _, t := range slices.Concat(stamps, logTimes) {
		if t.Time.After(g.now.Add(maxAhead)) {
			c.Detail = fmt.Sprintf("%s signed %s, which is still to come by this host's clock, %s: set the clock, or find out who runs ahead", t.URI, instant(t.Time), instant(g.now))
			return c, nil
		}
		if !g.policy.Trust.counts(g.policy.Trust.Time, t.URI) {
			continue
		}
		times = append(times, t)
		missing = slices.DeleteFunc(missing, func(side string) bool { return g.policy.Trust.counts(side, t.URI) })
	}
	if len(missing) == 0 {
		return Check{Name: c.Name, State: Passed, Got: times[0].Time.UTC().Format(time.RFC3339)}, times
	}
	c.Detail = strings.TrimSuffix("no signed time "+missing[0], " ")
	if refusal != nil {
		c.Detail += ": " + refusal.Error()
	}
	if cert := e.vc.Certificate(); cert != nil && len(times) == 0 {
		c.Detail += fmt.Sprintf("; the certificate ended at %s, and nothing shows that it was used before", cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return c, nil
}

// certificateSteps verify the certificate at every signed time, and its SCT.
func (g *Gate) certificateSteps(cert *x509.Certificate, times []root.Timestamp, m root.TrustedMaterial, whole *verify.VerificationResult) []Check {
	chain := Check{Name: "certificate", State: Passed, Got: cert.Issuer.String()}
	sct := Check{Name: "sct", State: Passed}
	if len(times) == 0 {
		chain.State, chain.Detail = Skipped, "it is judged at a signed time"
		sct.State, sct.Detail = Skipped, "it is judged with the certificate"
		return []Check{chain, sct}
	}
	var chains [][]*x509.Certificate
	for _, t := range times {
		var err error
		if chains, err = verify.VerifyLeafCertificate(t.Time, cert, m); err != nil {
			chain.State = Failed
			chain.Detail = fmt.Sprintf("no trusted Fulcio issued it, or it was not valid at %s: it runs from %s to %s: %v",
				t.Time.UTC().Format(time.RFC3339), cert.NotBefore.UTC().Format(time.RFC3339), cert.NotAfter.UTC().Format(time.RFC3339), err)
			sct.State, sct.Detail = Skipped, "it is judged with the certificate"
			return []Check{chain, sct}
		}
	}
	if whole != nil && g.policy.Trust.CT != both {
		return []Check{chain, sct} // it counted one of the side that the policy counts
	}
	for _, side := range sides(g.policy.Trust.CT) {
		if err := verify.VerifySignedCertificateTimestamp(chains, 1, &scoped{TrustedMaterial: m, ct: g.policy.Trust.logs(side, m.CTLogs())}); err != nil {
			sct.State, sct.Detail = Failed, strings.TrimSpace(side+" "+err.Error())
		}
	}
	return []Check{chain, sct}
}
