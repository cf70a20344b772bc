package services

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func TestCheck_EverythingAgrees(t *testing.T) {
	w := newSite(t)
	w.publish()
	report := w.agrees()
	if len(report.Answers) != 5 {
		t.Fatalf("%d answers", len(report.Answers))
	}
	for _, a := range report.Answers {
		if !a.Up || a.Verdict != Agrees || a.Program != TUF && (a.Generation != 1 || a.Newest != 1) {
			t.Errorf("%+v", a)
		}
	}
}

func TestCheck_FulcioOnAnotherCertificateOfItsKey(t *testing.T) {
	w := newSite(t)
	w.fulcio.chain = w.chain("fulcio", 1)
	ca := fulcioCA()
	w.issue("fulcio", ca) // the ledger forgets it again
	old := w.certs["fulcio"][1]
	w.source.State.Authorities["fulcio"] = w.source.State.Authorities["fulcio"][:1]
	ca.SerialNumber.Add(ca.SerialNumber, ca.SerialNumber)
	again := testpki.Certify(w.t, ca, w.certs["root"][0], w.keys["fulcio"][0].Public(), w.keys["root"][0])
	w.fulcio.chain[0] = again
	w.finds(Mismatch, "fulcio", "old-chain", "an old chain: ")
	w.fulcio.chain[0] = old
	w.finds(Mismatch, "fulcio", "unknown-certificate", "CN=fulcio 2")
}

func TestCheck_ChainReversed(t *testing.T) {
	w := newSite(t)
	w.fulcio.chain = []*x509.Certificate{w.certs["root"][0], w.certs["fulcio"][0]}
	w.finds(Mismatch, "fulcio", "chain-reversed", "chain reversed")
}

func TestCheck_RootMissing(t *testing.T) {
	w := newSite(t)
	w.fulcio.chain = w.certs["fulcio"][:1]
	w.finds(Mismatch, "fulcio", "root-missing", "root missing")
}

func TestCheck_NoCertSign(t *testing.T) {
	w := newSite(t)
	ca := fulcioCA()
	ca.KeyUsage = x509.KeyUsageCRLSign
	w.issue("fulcio", ca)
	w.build()
	w.fulcio.chain = w.chain("fulcio", 2)
	w.finds(Mismatch, "fulcio", "no-key-cert-sign", "no keyCertSign")
}

func TestCheck_FulcioBelievesOthers(t *testing.T) {
	w := newSite(t)
	w.fulcio.issuers = []string{"https://login.example.com/", "https://accounts.example.net"}
	w.finds(Mismatch, "fulcio", "issuer-unplanned", "https://accounts.example.net")
	w.fulcio.issuers = nil
	w.finds(Mismatch, "fulcio", "issuer-missing", "https://login.example.com")
}

func TestCheck_FulcioTakesTokensForOthers(t *testing.T) {
	w := newSite(t)
	w.fulcio.audience = "sts.amazonaws.com"
	report := w.agrees("issuer-audience")
	if !hasFinding(report, "fulcio", "issuer-audience", `for the audience "sts.amazonaws.com", not "sigstore"`) {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_FulcioReadsTokensOtherwise(t *testing.T) {
	w := newSite(t)
	w.fulcio.says = map[string]any{"issuerType": "gitlab-pipeline"}
	w.finds(Mismatch, "fulcio", "issuer-type", "the plan's type is email")
	w.fulcio.says = map[string]any{"skipEmailVerification": true}
	w.finds(Mismatch, "fulcio", "issuer-email-unverified", "anybody may sign as anybody")
	w.fulcio.says = map[string]any{"subjectDomain": "example.org"}
	w.finds(Mismatch, "fulcio", "issuer-domain", `subjects of "example.org"`)
	for _, kind := range []string{"ci-provider", "gitlab-pipeline"} { // a native type reads the same tokens
		w.source.Plan.OIDC[0].Type, w.fulcio.says = plan.ProviderGitLab, map[string]any{"issuerType": kind}
		w.agrees()
	}
}

func TestCheck_PlanNamesNoProvider(t *testing.T) {
	w := newSite(t)
	w.source.Plan.OIDC = nil
	report := w.agrees("issuers-unknown")
	if !hasFinding(report, "fulcio", "issuers-unknown", "it believes https://login.example.com") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_TSAWithTheWrongHash(t *testing.T) {
	w := newSite(t)
	w.tsa.hash = crypto.SHA256
	report := w.finds(Mismatch, "tsa", "wrong-hash", "a P-384 key needs --timestamp-signer-hash sha384")
	if !strings.Contains(report.Findings[0].Text, "500 Internal Server Error") {
		t.Error(report.Findings[0].Text)
	}
}

func TestCheck_TSAAlone(t *testing.T) {
	w := newSite(t)
	w.tsa.chain = w.tsa.chain[:1]
	w.finds(Mismatch, "tsa", "certificate-alone", "certificate alone")
}

func TestCheck_TSAClock(t *testing.T) {
	w := newSite(t)
	w.tsa.clock = -5 * time.Minute
	report := w.finds(Mismatch, "tsa", "clock", "apart")
	for _, a := range report.Answers {
		if a.Name == "tsa" && (a.Offset == nil || *a.Offset > -290) {
			t.Errorf("offset %v", a.Offset)
		}
	}
}

func TestCheck_TSAReplaysTimestamps(t *testing.T) {
	w := newSite(t)
	w.tsa.nonce = true
	w.finds(Mismatch, "tsa", "timestamp", "nonce")
}

func TestCheck_TSASignsWithAnotherKey(t *testing.T) {
	w := newSite(t)
	w.tsa.key = testpki.Key(t, elliptic.P384())
	w.finds(Mismatch, "tsa", "bad-answer", "no timestamp response")
}

func TestCheck_TSAServesTheChainOfAnotherGeneration(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.tsa.cert, w.tsa.key = w.certs["tsa"][1], w.keys["tsa"][1]
	w.finds(Mismatch, "tsa", "chain-of-another-key", "serves the chain of generation 1 and signs with the key of generation 2")
}

func TestCheck_RekorHostOtherThanTheBaseURL(t *testing.T) {
	for _, origin := range []string{"log.example.com", "rekor.example.com:3000"} {
		w := newSite(t)
		w.rekor.origin = origin
		w.finds(Mismatch, "rekor", "other-origin", `its checkpoints are of "`+origin+`", not of "rekor.example.com"`)
	}
}

func TestCheck_CTOrigin(t *testing.T) {
	w := newSite(t)
	w.ct.origin = "ct.example.com/2025"
	w.finds(Mismatch, "tesseract", "other-origin", `of "ct.example.com/2025", not of "ct.example.com/2026"`)
}

func TestCheck_CTKeyNotP256(t *testing.T) {
	w := newSite(t)
	w.ct.key = testpki.Key(t, elliptic.P384())
	w.finds(Mismatch, "tesseract", "key-not-p256", "not P-256: an ECDSA key on a larger curve")
}

func TestCheck_LogKeyThatTheLedgerDoesNotHave(t *testing.T) {
	w := newSite(t)
	w.ct.key = testpki.Key(t, elliptic.P256())
	w.finds(Mismatch, "tesseract", "unknown-key", "no generation of the ledger: it has key hash ")
	w = newSite(t)
	w.rekor.key = testpki.Key(t, elliptic.P256())
	w.finds(Mismatch, "rekor", "unknown-key", " in generation 1")
}

func TestCheck_CTDoesNotAcceptTheRoot(t *testing.T) {
	w := newSite(t)
	w.ct.roots = nil
	w.finds(Mismatch, "tesseract", "root-not-accepted", "does not accept generation 1 of the root")
}

func TestCheck_CTAcceptsOtherRoots(t *testing.T) {
	w := newSite(t)
	w.ct.roots = append(w.ct.roots, w.certs["fulcio"][0])
	w.agrees("other-roots")
}

func TestCheck_LogWithoutReadPath(t *testing.T) {
	w := newSite(t)
	w.rekor.noReads = true
	report := w.finds(Unanswered, "rekor", "checkpoint-unread", "501 Not Implemented")
	if fault.ExitCode(report.Err()) != int(fault.Failure) {
		t.Errorf("exit code %d", fault.ExitCode(report.Err()))
	}
	folder := t.TempDir()
	w.must(os.WriteFile(filepath.Join(folder, "checkpoint"), w.rekor.checkpoint(), 0o600))
	w.asked.Reads = map[string]string{"rekor": folder}
	w.agrees()
}

func TestCheck_CTWritePathAlone(t *testing.T) {
	w := newSite(t)
	w.ct.noReads = true
	w.finds(Unanswered, "tesseract", "checkpoint-unread", "read path: no checkpoint was found")
}

func TestCheck_CTReadPathAlone(t *testing.T) {
	w := newSite(t)
	w.hosts["ct.example.com"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "get-roots") {
			http.Error(rw, "nobody home", http.StatusBadGateway)
			return
		}
		w.ct.ServeHTTP(rw, r)
	})
	report := w.finds(Unanswered, "tesseract", "refused", "502 Bad Gateway nobody home")
	for _, a := range report.Answers {
		if a.Name == "tesseract" && (a.Generation != 1 || a.Verdict != NoAnswer) {
			t.Errorf("%+v", a)
		}
	}
}

func TestCheck_OldCheckpoint(t *testing.T) {
	w := newSite(t)
	w.ct.age = 25 * time.Hour
	w.agrees("old-checkpoint")
}

func TestPrometheus_Metrics(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.asked.Copies = []string{`a "copy"` + "\n"}
	text := w.check().Prometheus()
	for _, want := range []string{
		"# TYPE trustroot_service_up gauge\n",
		`trustroot_service_up{service="fulcio",program="fulcio",url="http://fulcio.example.com"} 1` + "\n",
		`trustroot_service_up{service="a \"copy\"\n",program="copy",url="`,
		`trustroot_service_generation{service="rekor",program="rekor"} 1` + "\n",
		`trustroot_service_mismatch{service="tsa",program="tsa"} 0` + "\n",
		`trustroot_service_expiry_timestamp_seconds{service="tuf",program="tuf",of="timestamp"} `,
		`trustroot_service_expiry_timestamp_seconds{service="tsa",program="tsa",of="certificate"} `,
		`trustroot_log_entries{service="tesseract",program="tesseract"} 7` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "trustroot_") {
			t.Errorf("line %q", line)
		}
	}
}

// hasFinding reports whether a report says this of a name.
func hasFinding(r *Report, name, id, text string) bool {
	for _, f := range r.Findings {
		if f.Place == name && f.ID == id && strings.Contains(f.Text, text) {
			return true
		}
	}
	return false
}

func TestCheck_RekorStorageWithoutServer(t *testing.T) {
	w := newSite(t)
	w.rekor.noHealth = true
	w.agrees()
	w.rekor.noWrites = true
	w.finds(Unanswered, "rekor", "refused", "write path: http://rekor.example.com/api/v2/log/entries answers 404 Not Found")
	w.hosts["rekor.example.com"] = pathOr("/healthz", []byte("<html>"), pathOr("/api/v2/log/entries", []byte("<html>"), w.rekor))
	w.finds(Unanswered, "rekor", "refused", "something else answers")
}
