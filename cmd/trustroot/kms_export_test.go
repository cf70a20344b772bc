package main

import (
	"bytes"
	"encoding/asn1"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func TestKMSCSR_ThreeCallsEachAndKept(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.calls()
	d.ok("kms", "csr")
	d.called(map[string]int{"DescribeKey": 2, "GetPublicKey": 2, "Sign": 2})
	before := d.tree()
	// what is there already is checked and kept, without a call
	if out := d.ok("kms", "csr"); strings.Count(out, ", unchanged") != 2 {
		t.Errorf("second run:\n%s", out)
	}
	d.called(map[string]int{})
	if !maps.Equal(before, d.tree()) {
		t.Error("the second run wrote something")
	}
}

func TestKMSCSR_OpenSSLAcceptsItAndItsStringTypes(t *testing.T) {
	needs.Program(t, "openssl")
	d := newDesk(t)
	tsa := d.plan.Authorities["tsa"]
	tsa.Subject.Encoding = "printable"
	d.plan.Authorities["tsa"] = tsa
	d.create()
	d.ok("kms", "csr")
	for name, tag := range map[string]int{"fulcio": asn1.TagUTF8String, "tsa": asn1.TagPrintableString} {
		path := d.dir + "/authorities/" + name + "/g1/request.csr"
		out, err := exec.Command("openssl", "req", "-verify", "-noout", "-subject", "-in", path).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("verify OK")) || !bytes.Contains(out, []byte("O = example.com")) {
			t.Errorf("%s: openssl: %v\n%s", name, err, out)
		}
		parsed, err := exec.Command("openssl", "asn1parse", "-in", path).CombinedOutput()
		kind := map[int]string{asn1.TagUTF8String: "UTF8STRING", asn1.TagPrintableString: "PRINTABLESTRING"}[tag]
		if err != nil || bytes.Count(parsed, []byte(kind)) != 2 || !bytes.Contains(parsed, []byte("ecdsa-with-SHA384")) {
			t.Errorf("%s: want two of %s and ecdsa-with-SHA384: %v\n%s", name, kind, err, parsed)
		}
	}
}

func TestKMSCSR_KeptRequestThatDoesNotHold(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "csr")
	// the request of another authority, with a valid signature of its own
	d.write("authorities/fulcio/g1/request.csr", d.read("authorities/tsa/g1/request.csr"))
	_, errs := d.fails(5, []string{"authorities/fulcio g1: authorities/fulcio/g1 was written before and does not hold", "key.json records"}, "kms", "csr")
	if strings.Contains(errs, "authorities/tsa") {
		t.Errorf("the other is blamed too:\n%s", errs)
	}
	if err := os.Remove(d.dir + "/authorities/fulcio/g1/key.json"); err != nil {
		t.Fatal(err)
	}
	d.fails(1, []string{"authorities/fulcio/g1 holds request.csr without key.json", "restore authorities/fulcio/g1"}, "kms", "csr")
}

func TestKMSCSR_AnotherKeyThanThePin(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.plan.Authorities["fulcio"].Generations[0].SPKISHA256 = strings.Repeat("ab", 32)
	d.save()
	before := d.tree()
	d.fails(5, []string{"the key of fulcio g1 has SPKI SHA-256", "the plan pins abab abab"}, "kms", "csr")
	if !maps.Equal(before, d.tree()) {
		t.Error("something was written")
	}
	d.fails(2, []string{"rekor is not a key in KMS among the plan's authorities"}, "kms", "csr", "rekor")
}

func TestKMSCSR_NextGenerationBesideTheFirst(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "csr")
	first := d.tree()
	f := d.plan.Authorities["fulcio"]
	f.Generations = append(f.Generations, plan.Generation{Generation: 2, Ceremony: "founding"})
	d.plan.Authorities["fulcio"] = f
	d.save()
	d.create()
	out := d.ok("kms", "csr", "fulcio")
	if !strings.Contains(out, "authorities/fulcio g1  authorities/fulcio/g1, unchanged") || !strings.Contains(out, "authorities/fulcio/g2, written") {
		t.Errorf("got\n%s", out)
	}
	now := d.tree()
	for name, data := range first {
		if name != "pki.yaml" && now[name] != data {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestTwentyKeys_ThrottledAndTorn(t *testing.T) {
	d := newDesk(t)
	d.twentyAuthorities()
	d.create()
	d.kms.SetRules(local.Rules{ThrottleEvery: 2, CutEvery: 5})
	d.calls()
	d.ok("kms", "csr")
	d.ok("kms", "export")
	d.ok("kms", "list")
	n := d.calls()
	if n["DescribeKey"] < 45 || n["Sign"] < 20 {
		t.Errorf("calls %v: the keys were not asked", n)
	}
	out := t.TempDir()
	shown := d.ok("request", "create", "--out", out)
	for _, want := range []string{"21. tsa-r, generation 1", "In numbered words:"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
	for _, path := range []string{"/0001-founding", "/0001-founding.tar"} {
		if again := d.ok("request", "show", out+path); again != shown {
			t.Errorf("%s is shown otherwise than it was made", path)
		}
	}
}

func TestTwentyKeys_CallsAreCounted(t *testing.T) {
	d := newDesk(t)
	d.twentyAuthorities()
	d.create()
	d.calls()
	d.ok("kms", "csr")
	d.called(map[string]int{"DescribeKey": 20, "GetPublicKey": 20, "Sign": 20})
	d.ok("kms", "export")
	d.called(map[string]int{"DescribeKey": 2, "GetPublicKey": 2})
	d.ok("kms", "list")
	d.called(map[string]int{"DescribeKey": 23, "GetPublicKey": 23})
	d.ok("request", "create", "--out", t.TempDir())
	d.called(map[string]int{})
}

func TestTwentyKeys_OneDenied(t *testing.T) {
	d := newDesk(t)
	d.twentyAuthorities()
	d.create()
	denied := d.plan.Authorities["tsa-c"].Generations[0].Key
	for _, action := range []string{"DescribeKey", "GetPublicKey", "Sign"} {
		d.kms.SetRules(local.Rules{Deny: []local.Deny{{Action: action, Key: denied}}})
		before := d.tree()
		out, errs := d.fails(4, []string{
			"authorities/tsa-c g1: ", "kms:" + action, denied, "access denied", "nothing is written until all can be",
		}, "kms", "csr")
		if strings.Count(out, ", not written") != 19 || strings.Contains(out, "tsa-c") {
			t.Errorf("%s denied: not the other 19 were reported:\n%s", action, out)
		}
		if strings.Count(errs, "trustroot: error:") != 1 {
			t.Errorf("%s denied: more than one error:\n%s", action, errs)
		}
		if !maps.Equal(before, d.tree()) {
			t.Errorf("%s denied: something was written", action)
		}
	}
	// and a request cannot be made of what is not there
	stick := t.TempDir()
	d.fails(1, []string{"authorities/tsa-c/g1/request.csr is missing", "trustroot kms csr tsa-c"}, "request", "create", "--out", stick)
	if entries, err := os.ReadDir(stick); err != nil || len(entries) != 0 {
		t.Errorf("something was written to the stick: %v %v", entries, err)
	}
	d.kms.SetRules(local.Rules{})
	d.ok("kms", "csr")
	d.ok("request", "create", "--out", stick)
}

// withApps adds two applications to the plan and makes their keys.
func (d *desk) withApps() {
	d.t.Helper()
	d.plan.Apps = map[string]plan.App{}
	for _, name := range []string{"shop", "mail"} {
		d.plan.Apps[name] = plan.App{Algorithm: "P-384", Generations: []plan.Generation{{Generation: 1}}}
	}
	d.save()
	d.create()
}

func TestKMSExport_LogsAndApps(t *testing.T) {
	needs.Program(t, "openssl")
	d := newDesk(t)
	d.withApps()
	d.calls()
	out := d.ok("kms", "export")
	d.called(map[string]int{"DescribeKey": 4, "GetPublicKey": 4})
	for _, want := range []string{"apps/shop g1", "logs/rekor g1", "verifier", "rekor.example.com+"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	curve, err := exec.Command("openssl", "pkey", "-pubin", "-noout", "-text", "-in", d.dir+"/apps/shop/g1/key.pem").CombinedOutput()
	if err != nil || !bytes.Contains(curve, []byte("P-384")) {
		t.Errorf("openssl: %v\n%s", err, curve)
	}
	// applications are in the ledger, once; logs wait for log add
	d.ok("kms", "export")
	ledger := d.ok("ledger", "show")
	if strings.Count(ledger, "app  ") != 2 || strings.Contains(ledger, "rekor") {
		t.Errorf("ledger:\n%s", ledger)
	}
	d.fails(2, []string{"shop is an application, not a log", "trustroot kms export shop"}, "log", "add", "shop")
	d.fails(2, []string{"the plan has no log nobody", "rekor, tesseract"}, "log", "add", "nobody")
	d.ok("log", "add", "rekor")
	d.fails(2, []string{"in the ledger already"}, "log", "add", "rekor")
	d.ok("ledger", "verify")
}

func TestKMSExport_UnpinnedKeyStaysOutOfTheLedger(t *testing.T) {
	d := newDesk(t)
	d.withApps()
	d.plan.Apps["shop"].Generations[0].SPKISHA256 = ""
	d.plan.Logs["rekor"].Generations[0].SPKISHA256 = ""
	d.save()
	d.ok("kms", "export")
	if ledger := d.ok("ledger", "show"); strings.Contains(ledger, "shop") || !strings.Contains(ledger, "mail") {
		t.Errorf("ledger:\n%s", ledger)
	}
	d.fails(5, []string{"the plan pins no key for rekor g1", "kms list --pin"}, "log", "add", "rekor")
}

func TestKMSExport_FileThatWasChanged(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "export")
	if out := d.ok("kms", "export"); strings.Count(out, ", unchanged") != 2 {
		t.Errorf("second run:\n%s", out)
	}
	d.write("logs/rekor/g1/key.pem", d.read("logs/tesseract/g1/key.pem"))
	d.fails(5, []string{"logs/rekor/g1/key.pem: it holds the key", "restore the file"}, "kms", "export")
}

func TestKMSExport_CheckACopy(t *testing.T) {
	needs.Program(t, "openssl")
	d := newDesk(t)
	d.withApps()
	d.ok("kms", "export")
	copied := d.write("baked-in.pem", d.read("apps/shop/g1/key.pem"))
	for _, args := range [][]string{{"kms", "export", "shop", "--check", copied}, {"kms", "export", "--check", copied}} {
		if out := d.ok(args...); !strings.Contains(out, "holds the key of apps/shop g1") {
			t.Errorf("got %s", out)
		}
	}
	// the JSON of the aws command is as good
	answer, err := d.sdk().GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: aws.String(d.plan.Apps["shop"].Generations[0].Key)})
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(map[string]any{"KeyId": answer.KeyId, "PublicKey": answer.PublicKey, "KeySpec": answer.KeySpec})
	if err != nil {
		t.Fatal(err)
	}
	d.ok("kms", "export", "shop", "--check", d.write("baked-in.json", asJSON))

	before := d.tree()
	d.fails(5, []string{"which is not a key of mail", "replace the copy"}, "kms", "export", "mail", "--check", copied)
	stranger, err := exec.Command("sh", "-c", "openssl ecparam -name secp384r1 -genkey -noout | openssl pkey -pubout").Output()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	for name, data := range map[string][]byte{"/other.pem": stranger, "/cut.pem": stranger[:100]} {
		if err := os.WriteFile(elsewhere+name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.fails(5, []string{"not a key of the plan's logs and applications"}, "kms", "export", "--check", elsewhere+"/other.pem")
	d.fails(5, []string{"damaged"}, "kms", "export", "--check", elsewhere+"/cut.pem")
	d.fails(2, []string{"no such file"}, "kms", "export", "--check", elsewhere+"/nowhere.pem")
	if !maps.Equal(before, d.tree()) {
		t.Error("--check wrote something")
	}
	// an old generation is named
	shop := d.plan.Apps["shop"]
	shop.Generations = append(shop.Generations, plan.Generation{Generation: 2})
	d.plan.Apps["shop"] = shop
	d.save()
	d.create()
	d.fails(5, []string{"the copy is of apps/shop g1, and generation 2 is the newest"}, "kms", "export", "shop", "--check", copied)
}
