package services

import (
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
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

func TestCheck_FulcioOnTheOldChain(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.cutover("fulcio")
	report := w.finds(Mismatch, "fulcio", "cutover-not-followed", "still on generation 1, the old chain, although its cutover was recorded on")
	if fault.ExitCode(report.Err()) != int(fault.Verification) {
		t.Errorf("exit code %d", fault.ExitCode(report.Err()))
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
	der, err := x509.CreateCertificate(nil, ca, w.certs["root"][0], w.keys["fulcio"][0].Public(), w.keys["root"][0])
	w.must(err)
	again, err := x509.ParseCertificate(der)
	w.must(err)
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
	w.tsa.key = newKey(t, elliptic.P384())
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
	w.ct.key = newKey(t, elliptic.P384())
	w.finds(Mismatch, "tesseract", "key-not-p256", "not P-256: an ECDSA key on a larger curve")
}

func TestCheck_LogKeyThatTheLedgerDoesNotHave(t *testing.T) {
	w := newSite(t)
	w.ct.key = newKey(t, elliptic.P256())
	w.finds(Mismatch, "tesseract", "unknown-key", "no generation of the ledger: it has key hash ")
	w = newSite(t)
	w.rekor.key = newKey(t, elliptic.P256())
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

func TestCheck_MixedState(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.rekor.key = w.keys["rekor"][1]
	report := w.agrees("cutover-not-recorded", "mixed", "newer-waits")
	last := report.Findings[len(report.Findings)-1]
	want := "mixed: fulcio on generation 1, rekor on generation 2, tesseract on generation 1, tsa on generation 1; old and new are both open, no cutover of them is recorded yet"
	if last.Text != want {
		t.Errorf("%s", last.Text)
	}
	w.cutover("rekor", "tsa")
	w.finds(Mismatch, "tsa", "cutover-not-followed", "still on generation 1")
}

func TestCheck_RenewalThatIsOver(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.fulcio.chain = w.chain("fulcio", 2)
	w.tsa.chain, w.tsa.key = w.chain("tsa", 2), w.keys["tsa"][1]
	w.rekor.key, w.ct.key = w.keys["rekor"][1], w.keys["tesseract"][1]
	w.agrees("cutover-not-recorded")
	w.cutover("fulcio", "tsa", "rekor", "tesseract")
	w.publish()
	w.agrees()
}

func TestCheck_OnAGenerationThatIsNotPublished(t *testing.T) {
	w := newSite(t)
	w.publish()
	published := w.files[localTrustedRoot]
	w.renew()
	w.files[localTrustedRoot] = published
	config := w.files[localSigningConfig]
	w.files[localSigningConfig] = config
	w.rekor.key = w.keys["rekor"][1]
	w.finds(Mismatch, "rekor", "not-published", "on generation 2, which the published trusted_root.json does not carry")
}

func TestCheck_CompromisedGeneration(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.source.State.Authorities["tsa"][0].Compromised = compromised(w.now)
	w.finds(Mismatch, "tsa", "compromised", "key copied")
}

func TestCheck_StaleRepository(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.renew()
	report := w.check()
	var texts []string
	for _, f := range report.Findings {
		if f.Name == TUF && f.Severity == Mismatch {
			texts = append(texts, f.Text)
		}
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{"stale: lacks generation 2 of tsa", "stale: lacks generation 2 of fulcio", "stale: lacks generation 2 of rekor", "stale: lacks generation 2 of tesseract"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	w.publish()
	w.agrees("newer-waits")
}

func TestCheck_DamagedRepository(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.must(os.WriteFile(filepath.Join(w.repository, "1.targets.json"), []byte("{}"), 0o600))
	report := w.check()
	if len(report.Findings) == 0 || report.Findings[0].ID != "repository" || report.Answers[4].Verdict != Differs {
		t.Errorf("%+v", report)
	}
}

func TestCheck_RepositoryUnreachable(t *testing.T) {
	w := newSite(t)
	w.publish()
	w.asked.URLs = map[string]string{TUF: "http://tuf.example.com"}
	w.finds(Unanswered, TUF, "unreachable", "does not answer")
}

func TestCheck_Copies(t *testing.T) {
	w := newSite(t)
	old := w.files[localTrustedRoot].Data
	w.renew()
	folder := t.TempDir()
	good, stale := filepath.Join(folder, "good.json"), filepath.Join(folder, "stale.json")
	w.must(os.WriteFile(good, w.files[localTrustedRoot].Data, 0o600))
	w.must(os.WriteFile(stale, old, 0o600))
	w.hosts["fulcio.example.com"] = pathOr("/trusted_root.json", w.files[localTrustedRoot].Data, w.fulcio)
	w.asked.Copies = []string{good, "http://fulcio.example.com/trusted_root.json"}
	w.agrees("newer-waits")

	w.asked.Copies = append(w.asked.Copies, stale)
	report := w.check()
	if !hasFinding(report, stale, "stale", "stale: lacks generation 2 of tsa") || hasFinding(report, good, "stale", "") {
		t.Errorf("%+v", report.Findings)
	}
	w.cutover("rekor")
	w.rekor.key = w.keys["rekor"][1]
	report = w.check()
	if !hasFinding(report, stale, "stale", "leaves generation 1 of rekor open, which ends ") || !hasFinding(report, good, "stale", "leaves generation 1 of rekor open") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_CopyThatSaysSomethingElse(t *testing.T) {
	w := newSite(t)
	folder := t.TempDir()
	garbage, newer := filepath.Join(folder, "garbage.json"), filepath.Join(folder, "newer.json")
	w.must(os.WriteFile(garbage, []byte("<html>"), 0o600))
	without, err := trustedroot.Without(w.files[localTrustedRoot].Data, "$.tlogs[0]")
	w.must(err)
	w.must(os.WriteFile(newer, w.files[localTrustedRoot].Data, 0o600))
	w.files[localTrustedRoot].Data = without
	w.asked.Copies = []string{garbage, newer, filepath.Join(folder, "nothing.json")}
	report := w.check()
	if !hasFinding(report, garbage, "bad-answer", "it is no trusted_root.json") || !hasFinding(report, newer, "drift", "is gone") ||
		!hasFinding(report, filepath.Join(folder, "nothing.json"), "unreadable", "no such file") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_Unreachable(t *testing.T) {
	w := newSite(t)
	w.asked.URLs = map[string]string{"tsa": "http://gone.example.com/api/v1/timestamp"}
	report := w.check()
	if !hasFinding(report, "tsa", "unreachable", "http://gone.example.com/api/v1/timestamp") || fault.ExitCode(report.Err()) != int(fault.Failure) {
		t.Errorf("%+v: %v", report.Findings, report.Err())
	}
}

func TestCheck_SilentServerEndsWithItsTime(t *testing.T) {
	w := newSite(t)
	w.asked.Timeout = 200 * time.Millisecond
	w.hosts["fulcio.example.com"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w.asked.Names = []string{"fulcio"}
	started := time.Now()
	w.finds(Unanswered, "fulcio", "unreachable", "does not answer")
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestCheck_GarbageAndOversizedAnswers(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"html": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>welcome</html>") },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for block := make([]byte, 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"json": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"chains":[{}],"issuers":[{}],"certificates":3}`)
		},
	}
	for name, answer := range answers {
		w := newSite(t)
		for host := range w.hosts {
			w.hosts[host] = answer
		}
		report := w.check()
		for _, service := range []string{"fulcio", "tsa", "rekor", "tesseract"} {
			if !hasFinding(report, service, "bad-answer", "") {
				t.Errorf("%s: nothing bad about %s in %+v", name, service, report.Findings)
			}
		}
	}
}

func TestCheck_RedirectToAnotherHostIsNotFollowed(t *testing.T) {
	w := newSite(t)
	w.hosts["fulcio.example.com"] = http.RedirectHandler("http://tsa.example.com/api/v1/timestamp/certchain", http.StatusFound)
	w.asked.Names = []string{"fulcio"}
	w.check()
	report := w.check()
	if !hasFinding(report, "fulcio", "unreachable", "redirects to http://tsa.example.com") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_ControlCharactersAreNotPrinted(t *testing.T) {
	w := newSite(t)
	w.hosts["fulcio.example.com"] = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "\x1b[2Jgone\x07", http.StatusTeapot)
	})
	for _, f := range w.check().Findings {
		if strings.ContainsAny(f.Text, "\x1b\x07") {
			t.Errorf("%q", f.Text)
		}
	}
}

func TestCheck_RefusesOptionsOfNobody(t *testing.T) {
	w := newSite(t)
	for want, o := range map[string]Options{
		`no "nobody" to ask`:         {Names: []string{"nobody"}},
		`no "tuf" to ask`:            {Names: []string{TUF}},
		`"x" for tsa is no http`:     {URLs: map[string]string{"tsa": "x"}},
		`"tsa" is no log`:            {Reads: map[string]string{"tsa": "http://a"}},
		`no "else" to ask; it has f`: {URLs: map[string]string{"else": "http://a"}},
	} {
		if _, err := w.source.Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || fault.ExitCode(err) != int(fault.Usage) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestCheck_NothingPlannedForItYet(t *testing.T) {
	w := newSite(t)
	delete(w.source.State.Logs, "rekor")
	a := w.source.Plan.Authorities["tsa"]
	a.URL = ""
	w.source.Plan.Authorities["tsa"] = a
	report := w.check()
	if !hasFinding(report, "rekor", "not-in-ledger", "") || !hasFinding(report, "tsa", "no-url", "") {
		t.Errorf("%+v", report.Findings)
	}
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
		if f.Name == name && f.ID == id && strings.Contains(f.Text, text) {
			return true
		}
	}
	return false
}

// pathOr serves data at one path and hands the others on.
func pathOr(path string, data []byte, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			w.Write(data)
			return
		}
		others.ServeHTTP(w, r)
	})
}

func TestCheck_SwitchedBeforeEveryVerifierCouldFetch(t *testing.T) {
	w := newSite(t)
	before, err := canonical(w.files[localTrustedRoot].Data)
	w.must(err)
	w.renew()
	after, err := canonical(w.files[localTrustedRoot].Data)
	w.must(err)
	w.source.Published = &Publication{wait: 7 * 24 * time.Hour, versions: []version{
		{number: 2, published: w.now.Add(-time.Hour), text: after}, {number: 1, published: w.now.AddDate(0, -1, 0), text: before}}}
	w.agrees("newer-waits")
	w.rekor.key = w.keys["rekor"][1]
	w.agrees("cutover-not-recorded", "mixed", "newer-waits", "too-early")
}
