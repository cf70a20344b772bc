package gate

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// steps looks at each part of a bundle by itself, so that a refusal names what
// is wrong. They are the parts of which sigstore-go's verification is made, in
// its order; the verdict is the whole's.
func steps(e *evidence, a *artifact, m root.TrustedMaterial) ([]Check, *Time) {
	checks := []Check{e.artifactStep(a)}
	signature := e.signatureStep(m)
	log, logTimes := e.logStep(m, signature.State == Passed)
	stamp, times := e.timestampStep(m, logTimes)
	if log.State == Passed {
		log = e.windowStep(log, m, times)
	}
	checks = append(checks, signature, log, stamp)
	if cert := e.vc.Certificate(); cert != nil {
		checks = append(checks, certificateSteps(cert, times, m)...)
	}
	if len(times) == 0 {
		return checks, nil
	}
	return checks, &Time{Time: times[0].Time.UTC(), Source: times[0].URI}
}

// artifactStep compares the artifact with what the bundle speaks of.
func (e *evidence) artifactStep(a *artifact) Check {
	name := e.algorithm()
	c := Check{Name: "artifact", State: Failed, Got: name + ":" + hex.EncodeToString(a.digests[name])}
	for _, d := range e.stated {
		if d.Algorithm != name {
			continue
		}
		if bytes.Equal(d.Digest, a.digests[name]) {
			return Check{Name: c.Name, State: Passed, Got: c.Got}
		}
		c.Want = name + ":" + hex.EncodeToString(d.Digest)
	}
	c.Detail = "the bundle signs another artifact"
	return c
}

// signatureStep verifies the signature over what the bundle itself states, by
// the certificate's key or the pinned one.
func (e *evidence) signatureStep(m root.TrustedMaterial) Check {
	c := Check{Name: "signature", State: Passed}
	if err := signedOver(e, m); err != nil {
		c.State, c.Detail = Failed, err.Error()
		if e.kind == kindKey {
			c.Detail = "no pinned key made it: " + c.Detail
		}
	}
	return c
}

func signedOver(e *evidence, m root.TrustedMaterial) error {
	return verify.VerifySignatureWithArtifactDigests(e.sc, e.vc, m, e.stated[:1])
}

// logStep verifies the log entry. An entry is rebuilt with the signer's key, so
// one by an unknown key cannot be judged.
func (e *evidence) logStep(m root.TrustedMaterial, signatureHolds bool) (Check, []root.Timestamp) {
	c := Check{Name: "log", State: Passed}
	times, err := verify.VerifyTlogEntry(e.bundle, m, 1, true)
	switch {
	case err == nil:
		return c, times
	case !signatureHolds:
		c.State, c.Detail = Skipped, "the signature does not hold"
	default:
		c.State, c.Detail = Failed, e.explainLog(err)
	}
	return c, nil
}

// windowStep wants each signed time in the window of a log that has the entry.
// sigstore-go looks at the window of a Rekor v2 log nowhere (pkg/verify,
// VerifyTlogEntry): a key that was stolen and closed could log for ever.
func (e *evidence) windowStep(c Check, m root.TrustedMaterial, times []root.Timestamp) Check {
	entries, err := e.bundle.TlogEntries()
	if err != nil {
		c.State, c.Detail = Failed, err.Error()
		return c
	}
	for _, t := range times {
		var closed []string
		open := false
		for _, entry := range entries {
			l := m.RekorLogs()[hex.EncodeToString([]byte(entry.LogKeyID()))]
			if l == nil {
				continue // sigstore-go counts no such entry
			}
			after, before := l.ValidityPeriodStart, l.ValidityPeriodEnd
			if t.Time.Before(after) || !before.IsZero() && t.Time.After(before) {
				closed = append(closed, fmt.Sprintf("the key of the log %s is valid from %s to %s, and the signature was made at %s",
					l.BaseURL, instant(after), instant(before), instant(t.Time)))
				continue
			}
			open = true
		}
		if !open {
			c.State, c.Detail = Failed, strings.Join(closed, "; ")
			return c
		}
	}
	return c
}

// instant writes a bound of a window.
func instant(t time.Time) string {
	if t.IsZero() {
		return "any time"
	}
	return t.UTC().Format(time.RFC3339)
}

// explainLog says why no log entry holds.
func (e *evidence) explainLog(err error) string {
	entries, readErr := e.bundle.TlogEntries()
	switch {
	case readErr != nil:
		return readErr.Error()
	case len(entries) == 0:
		return "the bundle has no log entry"
	}
	for _, entry := range entries {
		digest, _, ok := entry.GetHashedRekordDigest()
		if ok && e.sc.MessageSignatureContent() != nil && !bytes.Equal(digest, e.stated[0].Digest) {
			return "the log entry is of another artifact, " + hex.EncodeToString(digest)
		}
		if !bytes.Equal(entry.Signature(), e.sc.Signature()) {
			return "the log entry is of another signature"
		}
	}
	return strings.Join(strings.Fields(err.Error()), " ") // some causes span lines
}

// timestampStep finds the verified times, those of TSAs first.
func (e *evidence) timestampStep(m root.TrustedMaterial, logTimes []root.Timestamp) (Check, []root.Timestamp) {
	var times []root.Timestamp
	stamps, refused, err := verify.VerifySignedTimestamp(e.bundle, m)
	for _, s := range stamps {
		times = append(times, *s)
	}
	times = append(times, logTimes...)
	if len(times) > 0 && err == nil {
		return Check{Name: "timestamp", State: Passed, Got: times[0].Time.UTC().Format(time.RFC3339)}, times
	}
	detail := "no signed time"
	if why := errors.Join(append(refused, err)...); why != nil {
		detail += ": " + why.Error()
	}
	if cert := e.vc.Certificate(); cert != nil {
		detail += fmt.Sprintf("; the certificate ended at %s, and nothing shows that it was used before", cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return Check{Name: "timestamp", State: Failed, Detail: detail}, nil
}

// certificateSteps verify the certificate at every signed time, and its SCT.
func certificateSteps(cert *x509.Certificate, times []root.Timestamp, m root.TrustedMaterial) []Check {
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
	if err := verify.VerifySignedCertificateTimestamp(chains, 1, m); err != nil {
		sct.State, sct.Detail = Failed, err.Error()
	}
	return []Check{chain, sct}
}

// checks compares the claims of a certificate with the policy.
func (k Keyless) checks(cert *x509.Certificate) []Check {
	summary, err := certificate.SummarizeCertificate(cert)
	if err != nil {
		return []Check{{Name: "identity", State: Failed, Want: k.Identity, Detail: err.Error()}}
	}
	return k.compare(summary)
}

// identity is the part of the claims that sigstore-go compares itself.
func (k Keyless) identity() (verify.CertificateIdentity, error) {
	return verify.NewShortCertificateIdentity(k.Issuer, "", "", expression(k.Identity))
}

// hexSum is the SHA-256 of data in hex, and empty for none.
func hexSum(data []byte) string {
	if data == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
