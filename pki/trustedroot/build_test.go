package trustedroot

import (
	"bytes"
	"crypto/elliptic"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run go test -update and read the diff\n%s", name, got)
	}
}

func TestBuild_GoldenBytes(t *testing.T) {
	golden(t, "trusted_root.golden.json", newWorld(t, 2).build(t))
}

// Zone, locale and map order are what differs between machines.
func TestBuild_SameBytesElsewhere(t *testing.T) {
	want := newWorld(t, 2).build(t)
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("elsewhere", -9*3600-1800)
	for range 20 {
		w := newWorld(t, 2)
		for name, generations := range maps.Clone(w.state.Logs) {
			for i := range generations {
				generations[i].Start = generations[i].Start.In(time.Local)
			}
			delete(w.state.Logs, name)
			w.state.Logs[name] = generations
		}
		for name, generations := range maps.Clone(w.state.Authorities) {
			for i := range generations {
				generations[i].Start = generations[i].Start.In(time.Local)
				generations[i].Certificate.NotAfter = generations[i].Certificate.NotAfter.In(time.Local)
			}
			delete(w.state.Authorities, name)
			w.state.Authorities[name] = generations
		}
		if got := w.build(t); !bytes.Equal(got, want) {
			t.Fatalf("other bytes:\n%s", got)
		}
	}
}

func TestBuild_HasEveryGeneration(t *testing.T) {
	w := newWorld(t, 2)
	msg, err := parse(w.build(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(msg.Tlogs) != 2 || len(msg.Ctlogs) != 2 || len(msg.CertificateAuthorities) != 2 || len(msg.TimestampAuthorities) != 2 {
		t.Fatalf("%d tlogs, %d ctlogs, %d CAs, %d TSAs; want two each", len(msg.Tlogs), len(msg.Ctlogs), len(msg.CertificateAuthorities), len(msg.TimestampAuthorities))
	}
	old := msg.Tlogs[0].PublicKey.ValidFor
	if !old.Start.AsTime().Equal(dayOne) || !old.End.AsTime().Equal(switched) {
		t.Errorf("old window is %v to %v", old.Start.AsTime(), old.End.AsTime())
	}
	if end := msg.Tlogs[1].PublicKey.ValidFor.End; end != nil {
		t.Errorf("new window ends %v, want open", end.AsTime())
	}
	if got := digestHex(msg.Ctlogs[1].PublicKey.RawBytes); got != w.state.Logs["ct"][1].Log.LogID {
		t.Errorf("second CT log has key %s", got)
	}
	if subject := msg.CertificateAuthorities[0].Subject; subject.Organization != "example.org" || subject.CommonName != "Root CA" {
		t.Errorf("subject is %v", subject)
	}
}

func TestBuild_TSACABelowRoot(t *testing.T) {
	w := newWorld(t, 1)
	w.plan.Authorities["tsa-ca"] = plan.Authority{Profile: "tsa-ca"}
	w.plan.Authorities["tsa"] = plan.Authority{Profile: "tsa-leaf", URL: "https://tsa.example.org/api/v1/timestamp"}
	delete(w.state.Authorities, "tsa")
	ca := w.issue(t, "tsa-ca", 1, elliptic.P384(), &w.root, dayOne, dayOne.AddDate(5, 0, 0), tsaCATemplate())
	w.issue(t, "tsa", 1, elliptic.P256(), &ca, dayOne, dayOne.AddDate(1, 0, 0), tsaTemplate(t))
	msg, err := parse(w.build(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(msg.TimestampAuthorities) != 1 {
		t.Fatalf("%d timestamp authorities, want one: the tsa-ca stands in its leaf's chain only", len(msg.TimestampAuthorities))
	}
	if n := len(msg.TimestampAuthorities[0].CertChain.Certificates); n != 3 {
		t.Errorf("chain has %d certificates, want three", n)
	}
}

// A cutover that was recorded after the old certificate ran out must not write
// a window that outlives it.
func TestBuild_LateCutover(t *testing.T) {
	w := newWorld(t, 2)
	late := w.fulcio[0].cert.NotAfter.AddDate(0, 1, 0)
	w.state.Authorities["fulcio"][0].End = &late
	msg, err := parse(w.build(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := msg.CertificateAuthorities[0].ValidFor.End.AsTime(); !got.Equal(w.fulcio[0].cert.NotAfter) {
		t.Errorf("window ends %s, want with the certificate", got)
	}
}

// What a compromise closed need not join its successor.
func TestBuild_GapAfterCompromise(t *testing.T) {
	w := newWorld(t, 2)
	since := before
	for _, g := range []*ledger.Generation{&w.state.Authorities["fulcio"][0], &w.state.Logs["ct"][0]} {
		g.End, g.Compromised = &since, &ledger.Compromise{Generation: 1, Since: since, Reason: "test"}
	}
	data := w.build(t)
	findings, err := Lint(data, LintOptions{Judge: judge.SigstoreGo{}, Compromised: []string{w.state.Logs["ct"][0].Log.LogID, spkiDigest(w.fulcio[0].cert)}})
	if err != nil {
		t.Fatal(err)
	}
	gaps := 0
	for _, f := range findings {
		if f.Severity != Info {
			t.Errorf("finding %s", f)
		}
		if f.ID == "gap-after-compromise" {
			gaps += 1 + len(f.Also)
		}
	}
	if gaps != 2 {
		t.Errorf("%d gaps after a compromise, want two", gaps)
	}
	if findings, err = Lint(data, LintOptions{Judge: judge.SigstoreGo{}}); err != nil || Worst(findings) == nil {
		t.Errorf("without knowing of the compromise: %v, %v", findings, err)
	}
}

func TestReadIncludes(t *testing.T) {
	own, other := newWorld(t, 1), newWorldOf(t, "example.com", 1)
	pin := own.write("includes/example.com.json", other.build(t))
	includes, err := ReadIncludes(own.files, []ledger.File{pin})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(own.plan, own.state, own.files, includes...); err != nil {
		t.Fatal(err)
	}
	changed := pin
	changed.SHA256 = strings.Repeat("0", 64)
	_, err = ReadIncludes(own.files, []ledger.File{pin, changed, {Path: "../x"}})
	for _, want := range []string{"include 2: ", "include 3: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
	if fault.ExitCode(err) != int(fault.Verification) {
		t.Errorf("code %d", fault.ExitCode(err))
	}
}

// refusal is one way in which plan, ledger and files disagree.
type refusal struct {
	name  string
	spoil func(t *testing.T, w *world)
	want  string
}

func refusals() []refusal {
	earlier := func(when time.Time) *time.Time { return &when }
	return []refusal{
		{"MissingFile", func(_ *testing.T, w *world) { delete(w.files, "logs/rekor/g1/key.pem") }, "file logs/rekor/g1/key.pem: file does not exist"},
		{"DigestMismatch", func(_ *testing.T, w *world) {
			w.files["authorities/fulcio/g1/chain.pem"].Data = append(w.files["authorities/fulcio/g1/chain.pem"].Data, '\n')
		}, "SHA-256 is"},
		{"PathLeavesDirectory", func(_ *testing.T, w *world) { w.state.Logs["ct"][0].Log.File.Path = "../key.pem" }, "not a path within"},
		{"HugeFile", func(_ *testing.T, w *world) {
			w.state.Logs["ct"][0].Log.File = w.write("logs/ct/g1/key.pem", make([]byte, maxFile+1))
		}, "larger than"},
		{"WindowBeforeCertificate", func(_ *testing.T, w *world) { w.state.Authorities["tsa"][0].Start = dayOne.Add(-time.Hour) }, "before its chain is valid"},
		{"WindowAfterCertificate", func(_ *testing.T, w *world) { w.state.Authorities["tsa"][1].Start = dayTwo.AddDate(4, 0, 0) }, "after its chain has ended"},
		{"WindowBackwards", func(_ *testing.T, w *world) { w.state.Logs["ct"][0].End = earlier(dayOne.Add(-time.Hour)) }, "before it opens"},
		{"NoStart", func(_ *testing.T, w *world) { w.state.Logs["ct"][0].Start = time.Time{} }, "has no start"},
		{"Gap", func(_ *testing.T, w *world) { w.state.Logs["rekor"][0].End = earlier(dayTwo.Add(-time.Hour)) }, "nothing is valid between"},
		{"NewerOpensFirst", func(_ *testing.T, w *world) { w.state.Logs["rekor"][0].Start = dayTwo.Add(time.Hour) }, "before generation 1"},
		{"TwoLogsOneKey", func(_ *testing.T, w *world) {
			l := *w.state.Logs["rekor"][0].Log
			l.Kind, l.URL, l.Origin = plan.StaticCT, "https://ct.example.org/2027", "ct.example.org/2027"
			w.state.Logs["ct-2027"] = []ledger.Generation{{Number: 1, Log: &l, Start: dayOne}}
		}, "its key is the key of"},
		{"P384Checkpoint", func(t *testing.T, w *world) {
			t.Helper()
			key := testpki.FixedKey(t, elliptic.P384(), "p384 log")
			w.state.Logs["ct"][0].Log.File = w.write("logs/ct/g1/key.pem", testpki.KeyPEM(t, key.Public()))
		}, "key is ECDSA P-384"},
		{"LogIDMismatch", func(_ *testing.T, w *world) { w.state.Logs["ct"][0].Log.LogID = strings.Repeat("0", 64) }, "log ID is"},
		{"OriginIsNotHost", func(_ *testing.T, w *world) { w.state.Logs["rekor"][0].Log.URL = "https://other.example.org" }, "verifiers expect"},
		{"URLWithoutScheme", func(_ *testing.T, w *world) { w.state.Logs["rekor"][0].Log.URL = "rekor.example.org" }, "needs a scheme"},
		{"AuthorityWithoutURL", func(_ *testing.T, w *world) {
			a := w.plan.Authorities["fulcio"]
			a.URL = ""
			w.plan.Authorities["fulcio"] = a
		}, "needs a scheme"},
		{"AuthorityLeftPlan", func(_ *testing.T, w *world) { delete(w.plan.Authorities, "tsa") }, "no longer has it"},
		{"ProfileChanged", func(_ *testing.T, w *world) {
			a := w.plan.Authorities["tsa"]
			a.Profile = "tsa-leaf"
			w.plan.Authorities["tsa"] = a
		}, "the plan says tsa-leaf"},
		{"KindChanged", func(_ *testing.T, w *world) {
			l := w.plan.Logs["ct"]
			l.Kind = plan.RekorV2
			w.plan.Logs["ct"] = l
		}, "the plan says rekor-v2"},
		{"OtherOrganization", func(_ *testing.T, w *world) { w.state.Organization = "example.com" }, "organization: the plan says"},
		{"ChainReversed", func(_ *testing.T, w *world) {
			w.state.Authorities["fulcio"][0].Certificate.Chain = w.write("authorities/fulcio/g1/chain.pem", certsPEM(w.root.cert, w.fulcio[0].cert))
		}, "is not signed by"},
		{"ChainWithoutRoot", func(_ *testing.T, w *world) {
			w.state.Authorities["tsa"][0].Certificate.Chain = w.write("authorities/tsa/g1/chain.pem", certsPEM(w.tsa[0].cert))
		}, "one certificate only"},
		{"ForeignRoot", func(t *testing.T, w *world) {
			t.Helper()
			other := newWorldOf(t, "example.com", 1)
			c := w.state.Authorities["tsa"][0].Certificate
			c.Chain = w.write("authorities/tsa/g1/chain.pem", certsPEM(other.tsa[0].chain...))
		}, "a root that the ledger does not know"},
		{"OtherCertificate", func(_ *testing.T, w *world) {
			c := w.state.Authorities["tsa"][0].Certificate
			c.File = w.write("authorities/tsa/g1/certificate.pem", certsPEM(w.tsa[1].cert))
			c.Chain = w.write("authorities/tsa/g1/chain.pem", certsPEM(w.tsa[1].chain...))
		}, "SHA-256 of the public key is"},
		{"EmptyLedger", func(_ *testing.T, w *world) {
			w.state = &ledger.State{Organization: w.plan.Organization}
		}, "holds no log"},
	}
}

func TestBuild_Refuses(t *testing.T) {
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t, 2)
			r.spoil(t, w)
			data, err := Build(w.plan, w.state, w.files)
			if err == nil || !strings.Contains(err.Error(), r.want) {
				t.Fatalf("error is %v, want one with %q", err, r.want)
			}
			if data != nil {
				t.Error("it returned bytes too")
			}
			if fault.ExitCode(err) != int(fault.Verification) || fault.Hint(err) == "" {
				t.Errorf("code %d, hint %q", fault.ExitCode(err), fault.Hint(err))
			}
		})
	}
}

func TestBuild_ReportsEveryProblem(t *testing.T) {
	w := newWorld(t, 2)
	delete(w.files, "logs/rekor/g1/key.pem")
	w.state.Logs["ct"][0].Log.LogID = strings.Repeat("0", 64)
	w.state.Authorities["tsa"][0].Start = dayOne.Add(-time.Hour)
	_, err := Build(w.plan, w.state, w.files)
	for _, want := range []string{"log rekor generation 1", "log ct generation 1", "authority tsa generation 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

func TestBuild_OthersBesideOwn(t *testing.T) {
	own, other := newWorld(t, 2), newWorldOf(t, "example.com", 1)
	data, err := Build(own.plan, own.state, own.files, other.build(t), own.build(t), other.build(t))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(msg.Tlogs) != 3 || len(msg.CertificateAuthorities) != 3 {
		t.Errorf("%d tlogs and %d CAs, want three each: two own, one other, none twice", len(msg.Tlogs), len(msg.CertificateAuthorities))
	}
}

func TestBuild_SameKeyOtherWindow(t *testing.T) {
	w := newWorld(t, 2)
	changed := bytes.Replace(w.build(t), []byte(stamp(switched)), []byte(stamp(switched.Add(time.Hour))), 1)
	_, err := Build(w.plan, w.state, w.files, changed)
	if err == nil || !strings.Contains(err.Error(), "is here already with other content") {
		t.Fatalf("error is %v", err)
	}
}

func TestBuild_BrokenInclude(t *testing.T) {
	w := newWorld(t, 1)
	_, err := Build(w.plan, w.state, w.files, []byte(`{"mediaType":"x"}`))
	if err == nil || !strings.Contains(err.Error(), "include 1: ") {
		t.Fatalf("error is %v", err)
	}
}
