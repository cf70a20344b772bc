package request

import (
	"bytes"
	"crypto/elliptic"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func TestCreate_Founding(t *testing.T) {
	w := newWorld(t)
	r := create(t, w.founding())
	var names []string
	for _, i := range r.Items {
		names = append(names, i.what()+" "+i.Source)
	}
	if got := strings.Join(names, ", "); got != "root generation 1 token, fulcio generation 1 csr, tsa generation 1 csr" {
		t.Errorf("items: %s", got)
	}
	if r.Root != nil || r.Manifest.Root != "" || r.Items[0].CSR != nil || r.Items[0].Authority != plan.RootAuthority {
		t.Error("the root is not to be made at the ceremony")
	}
	if r.Items[1].CSR.SPKISHA256 != w.pin("fulcio/1") || r.Ledger.Entries != 1 || r.Plan.Organization != "example.com" {
		t.Errorf("%+v", r.Manifest)
	}
}

func TestCreate_Renewal(t *testing.T) {
	r := create(t, newWorld(t).renewal())
	if r.Root == nil || r.Manifest.Root != "authorities/root/g1/certificate.pem" {
		t.Fatalf("root %q", r.Manifest.Root)
	}
	fulcio, spire := r.Manifest.Items[0], r.Manifest.Items[1]
	if fulcio.Previous != "authorities/fulcio/g1/certificate.pem" || r.Items[0].Previous == nil || fulcio.Generation != 2 {
		t.Errorf("fulcio: %+v", fulcio)
	}
	if spire.Source != SourceExternal || spire.Evidence != "" || spire.Previous != "" {
		t.Errorf("spire: %+v", spire)
	}
}

func TestCreate_OpensTheSame(t *testing.T) {
	w := newWorld(t)
	for _, in := range []Input{w.founding(), w.renewal()} {
		r := create(t, in)
		for _, path := range []string{r.Path, r.Path + ".tar"} {
			opened, err := Open(path)
			must(t, err)
			if opened.Digest() != r.Digest() || opened.String() != r.String() || opened.Path != path {
				t.Errorf("%s is not what was made", path)
			}
			if len(opened.Items) != len(r.Items) || (opened.Root == nil) != (r.Root == nil) {
				t.Errorf("%s: %d items", path, len(opened.Items))
			}
		}
	}
}

func TestCreate_Reproducible(t *testing.T) {
	in := newWorld(t).founding()
	one, two := create(t, in), create(t, in)
	a, err := os.ReadFile(one.Path + ".tar")
	must(t, err)
	b, err := os.ReadFile(two.Path + ".tar")
	must(t, err)
	if !bytes.Equal(a, b) {
		t.Error("two tars of one input differ")
	}
	in.Created = in.Created.AddDate(0, 0, 1)
	if create(t, in).Digest() == one.Digest() {
		t.Error("another day, the same digest")
	}
}

func TestCreate_CoreutilsAndTarAgree(t *testing.T) {
	r := create(t, newWorld(t).renewal())
	run := func(dir, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	run(r.Path, "sha256sum", "--strict", "-c", SumsFile)
	unpacked := t.TempDir()
	run(unpacked, "tar", "-xf", r.Path+".tar")
	run(unpacked, "diff", "-r", r.Name(), r.Path)
	for _, line := range strings.Split(strings.TrimSpace(run(unpacked, "tar", "--utc", "--numeric-owner", "-tvf", r.Path+".tar")), "\n") {
		if !strings.HasPrefix(line, "-rw-r--r-- 0/0 ") || !strings.Contains(line, " 2028-10-30 00:00 0002-renewal/") {
			t.Errorf("tar: %s", line)
		}
	}
	if _, err := Open(filepath.Join(unpacked, r.Name())); err != nil {
		t.Errorf("unpacked with tar: %v", err)
	}
}

func TestCreate_TornLedgerTail(t *testing.T) {
	in := newWorld(t).founding()
	whole := len(in.Ledger)
	in.Ledger = append(in.Ledger, `{"seq":2,"prev":"`...)
	if r := create(t, in); len(r.LedgerBytes) != whole {
		t.Errorf("%d bytes of ledger, want %d", len(r.LedgerBytes), whole)
	}
}

// change makes a request from a changed input, wants it refused with all of
// these names, and nothing written.
func change(t *testing.T, in Input, edit func(*Input), names ...string) {
	t.Helper()
	edit(&in)
	dir := t.TempDir()
	_, err := Create(filepath.Join(dir, folderName(in.Sequence, in.Ceremony)), in)
	refused(t, err, names...)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files were left (%v)", len(left), err)
	}
}

const (
	fulcioCSR = "authorities/fulcio/g1/request.csr"
	fulcioKey = "authorities/fulcio/g1/key.json"
	tsaCSR    = "authorities/tsa/g1/request.csr"
	tsaKey    = "authorities/tsa/g1/key.json"
)

func TestCreate_AnotherKeyThanThePin(t *testing.T) {
	w := newWorld(t)
	change(t, w.founding(), func(in *Input) {
		in.Files[fulcioCSR] = w.csr("fulcio/2", "Example Fulcio CA")
		in.Files[fulcioKey] = w.evidence("fulcio/2", 1)
	}, "fulcio generation 1", groups(w.pin("fulcio/1")), groups(w.pin("fulcio/2")), "the plan pins")
}

func TestCreate_AnotherKeyThanTheEvidence(t *testing.T) {
	w := newWorld(t)
	change(t, w.founding(), func(in *Input) { in.Files[fulcioKey] = w.evidence("fulcio/2", 1) },
		fulcioKey, groups(w.pin("fulcio/1")), groups(w.pin("fulcio/2")), "records the key")
	change(t, w.founding(), func(in *Input) { in.Files[fulcioKey] = w.evidence("fulcio/1", 7) },
		fulcioKey, arn(7), arn(1))
	change(t, w.founding(), func(in *Input) { in.Files[fulcioKey] = []byte(`{"arn":"a","arn":"b"}`) }, fulcioKey, "second time")
	change(t, w.founding(), func(in *Input) { in.Files[fulcioKey] = []byte(`{"arn":7}`) }, fulcioKey, "arn: ")
}

func TestCreate_Requests(t *testing.T) {
	w := newWorld(t)
	change(t, w.founding(), func(in *Input) { in.Files[fulcioCSR] = w.csr("fulcio/1", "Mallory CA") },
		"fulcio generation 1", "Mallory CA", "Example Fulcio CA")
	change(t, w.founding(), func(in *Input) {
		block, _ := pem.Decode(in.Files[fulcioCSR])
		block.Bytes[len(block.Bytes)-1] ^= 1
		in.Files[fulcioCSR] = pem.EncodeToMemory(block)
	}, fulcioCSR, "signature")
	change(t, w.founding(), func(in *Input) {
		w.keys["small"] = testpki.Key(t, elliptic.P256())
		in.Files[fulcioCSR] = w.csr("small", "Example Fulcio CA")
	}, "P-256", "P-384")
	change(t, w.founding(), func(in *Input) { in.Files[fulcioCSR] = []byte("no request") }, fulcioCSR)
}

func TestCreate_AllProblemsAtOnce(t *testing.T) {
	w := newWorld(t)
	change(t, w.founding(), func(in *Input) {
		in.Sequence = 3
		delete(in.Files, fulcioCSR)
		in.Files["authorities/tsa/g9/request.csr"] = in.Files[tsaCSR]
		in.Files[tsaCSR] = w.csr("fulcio/2", "Example TSA")
		in.External = []string{"tsa"}
	}, "number is 3", fulcioCSR, "missing", "authorities/tsa/g9/request.csr", "an extra file", "tsa generation 1", "does not call external")
}

func TestCreate_Ceremony(t *testing.T) {
	w := newWorld(t)
	change(t, w.founding(), func(in *Input) { in.Ceremony = "unknown" }, `no ceremony "unknown"`, "gives no certificate")
	change(t, w.founding(), func(in *Input) { in.Ceremony = "renewal" }, "there is no root certificate yet", "generation 1 has no certificate yet")
	in := w.renewal()
	change(t, in, func(in *Input) { in.Ceremony = "founding" }, "root generation 1: it has a certificate already")
	change(t, in, func(in *Input) { in.Sequence = 1 }, "must be 2")
}

func TestCreate_CertificatesOfTheLedger(t *testing.T) {
	in := newWorld(t).renewal()
	const root, fulcio = "authorities/root/g1/certificate.pem", "authorities/fulcio/g1/certificate.pem"
	change(t, in, func(in *Input) { in.Files = without(in.Files, root) }, root, "missing")
	change(t, in, func(in *Input) { in.Files = without(in.Files, fulcio) }, fulcio, "missing")
	change(t, in, func(in *Input) {
		in.Files = without(in.Files, root)
		in.Files[root] = in.Files[fulcio]
	}, root, "the ledger says")
}

func TestCreate_OtherDirectorysLedger(t *testing.T) {
	w := newWorld(t)
	change(t, w.founding(), func(in *Input) {
		in.Ledger = bytes.ReplaceAll(in.Ledger, []byte("example.com"), []byte("example.net"))
	}, LedgerFile)
	change(t, w.founding(), func(in *Input) { in.Ledger = nil }, LedgerFile)
}

func TestCreate_InvalidPlan(t *testing.T) {
	in := newWorld(t).founding()
	in.Plan = append(in.Plan, "unknown: 1\n"...)
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, "0001-founding"), in); fault.ExitCode(err) != int(fault.Usage) || !strings.Contains(err.Error(), "unknown") {
		t.Fatalf("got %v, want a usage fault", err)
	}
}

func TestCreate_OneKeyForTwo(t *testing.T) {
	w := newWorld(t)
	in := w.founding()
	b := &builder{in: in, used: map[string]bool{}, owners: map[string]string{w.pin("fulcio/1"): "log rekor"}}
	b.csr(Item{Authority: "fulcio", Generation: 1, Plan: plan.Authority{Algorithm: "P-384", Subject: pki.Subject{Organization: "example.com", CommonName: "Example Fulcio CA"}}, Key: plan.Generation{SPKISHA256: w.pin("fulcio/1")}}, fulcioCSR)
	if len(b.problems) != 1 || !strings.Contains(b.problems[0].Error(), "the key of log rekor already") {
		t.Fatalf("%v", b.problems)
	}
}

func TestCreate_Places(t *testing.T) {
	in := newWorld(t).founding()
	r := create(t, in)
	if _, err := Create(r.Path, in); fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("over itself: %v", err)
	}
	must(t, os.RemoveAll(r.Path))
	if _, err := Create(r.Path, in); fault.ExitCode(err) != int(fault.Usage) || exists(r.Path) {
		t.Errorf("over its tar: %v", err)
	}
	if _, err := Create(filepath.Join(t.TempDir(), "request"), in); fault.ExitCode(err) != int(fault.Usage) {
		t.Errorf("another name: %v", err)
	}
	if _, err := Create(filepath.Join(t.TempDir(), "missing", "0001-founding"), in); fault.ExitCode(err) != int(fault.Failure) || fault.Hint(err) == "" {
		t.Errorf("no parent: %v", err)
	}
}

func TestDescribe_SaysWhatIsSigned(t *testing.T) {
	w := newWorld(t)
	founding, renewal := create(t, w.founding()), create(t, w.renewal())
	digest := founding.Digest()
	words := strings.Fields(pki.Words(digest[:]))
	contains(t, founding.String(),
		"Request 0001-founding of example.com, made 2026-10-30",
		"1. root, generation 1", "2. fulcio, generation 1", "3. tsa, generation 1",
		"O=example.com, CN=Example Root CA (UTF8String)", "O=example.com, CN=Example Fulcio CA (PrintableString)",
		"P-384, made at the ceremony", "slot 9c, PIN always, touch always",
		"P-384, "+arn(1), groups(w.pin("fulcio/1")), groups(w.pin("tsa/1")),
		"not before   2026-11-02T09:00:00Z", "not after    2036-11-02T08:59:59Z, included", "2029-11-02T08:59:59Z",
		"path length  0", "path length  unlimited", "DNS example.com, DNS .example.com",
		"1.3.6.1.4.1.65302.1.3 https://trust.example.com/cps", "extended key usage is critical",
		"   10000001", " 1 "+words[0], "32 "+words[31],
	)
	contains(t, renewal.String(),
		"root         O=example.com, CN=Example Root CA (UTF8String)", "EXTERNAL", "spiffe://example.com",
		"previous     serial ", "a new key, was "+groups(w.pin("fulcio/1")),
	)
	for _, none := range []string{"permitted names: was", "subject: was", "path length: was", "policies: was", "critical: was"} {
		if strings.Contains(renewal.String(), none) {
			t.Errorf("%s: a difference that is none is shown", none)
		}
	}
}

func TestDifferences_EachIsNamed(t *testing.T) {
	item := create(t, newWorld(t).renewal()).Items[0]
	if got := differences(item); len(got) != 2 {
		t.Fatalf("%q, want the key and the leap day", got)
	}
	pathLen, critical := 1, true
	item.Spec.Subject.Encoding = "utf8"
	item.Spec.NotAfter = item.Spec.NotAfter.AddDate(1, 0, 0)
	item.Spec.Settings = pki.Settings{
		PathLen: &pathLen, ExtKeyUsageCritical: &critical, URIs: []string{"spiffe://example"},
		IssuingCertificates: []string{"https://ca.example"}, CRLDistribution: []string{"https://crl.example"},
		NameConstraints: &pki.NameConstraints{Excluded: pki.Subtrees{DNS: []string{"x.example"}}},
	}
	contains(t, strings.Join(differences(item), "; "),
		"subject: was O=example.com, CN=Example Fulcio CA (PrintableString)", "a new key", "validity: was 1096 days", "path length: was 0",
		"extended key usage critical: was false", "permitted names: was DNS .example.com, DNS example.com", "excluded names: was none",
		"policies: was 1.3.6.1.4.1.65302.1.3", "alternative names: was none", "issuer at: was none", "CRL at: was none")
	spki, err := pki.SPKISHA256(item.Previous.PublicKey)
	must(t, err)
	item.CSR.SPKISHA256 = spki
	contains(t, strings.Join(differences(item), "; "), "THE SAME KEY as before")
}

// Whatever a plan can set must be seen before it is signed.
func TestDescribe_EverySetting(t *testing.T) {
	critical, pathLen := true, 7
	names := pki.Subtrees{DNS: []string{"d.example"}, URI: []string{"u.example"}, Email: []string{"m.example"}, IP: []string{"192.0.2.0/24"}}
	settings := pki.Settings{
		PathLen:             &pathLen,
		ExtKeyUsageCritical: &critical,
		NameConstraints:     &pki.NameConstraints{Permitted: names, Excluded: names},
		Policies:            []pki.Policy{{OID: "1.2.3", CPS: "https://cps.example"}},
		URIs:                []string{"spiffe://example"},
		IssuingCertificates: []string{"https://ca.example"},
		CRLDistribution:     []string{"https://crl.example"},
		Template:            "{\n\t\"keyUsage\": []\n}",
	}
	all := reflect.ValueOf(settings)
	for i := range all.NumField() {
		if all.Field(i).IsZero() {
			t.Fatalf("this test does not set %s", all.Type().Field(i).Name)
		}
		without := reflect.New(all.Type()).Elem()
		without.Set(all)
		without.Field(i).SetZero()
		one, two := &text{}, &text{}
		constraints(one, pki.Spec{Profile: pki.ProfileFulcioCA, Settings: settings})
		constraints(two, pki.Spec{Profile: pki.ProfileFulcioCA, Settings: without.Interface().(pki.Settings)})
		if one.b.String() == two.b.String() {
			t.Errorf("%s is not shown", all.Type().Field(i).Name)
		}
	}
	got := &text{}
	constraints(got, pki.Spec{Profile: pki.ProfileFulcioCA, Settings: settings})
	contains(t, got.b.String(), "path length  7", "is critical", "1.2.3 https://cps.example", "spiffe://example", "https://ca.example",
		"https://crl.example", `"keyUsage": []`,
		"permitted    DNS d.example, URI u.example, e-mail m.example, IP 192.0.2.0/24", "excluded     DNS d.example, URI u.example, e-mail m.example, IP 192.0.2.0/24")
}

func TestDescribe_TerminalIsSafe(t *testing.T) {
	r := create(t, newWorld(t).founding())
	r.Items[0].Spec.Subject.CommonName = "Root\x1b[2J\r\u202eCA"
	if got := r.String(); strings.ContainsAny(got, "\x1b\r\u202e") {
		t.Errorf("%q", got)
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

func without(files map[string][]byte, names ...string) map[string][]byte {
	rest := map[string][]byte{}
	for name, data := range files {
		rest[name] = data
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}
