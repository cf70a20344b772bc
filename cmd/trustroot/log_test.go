package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/linnemanlabs/trustroot/internal/cli/look"
)

func TestLogKey_EveryFormOfTheSameKey(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "export")
	arn := d.plan.Logs["rekor"].Generations[0].Key
	want := d.ok("log", "key", d.dir+"/logs/rekor/g1/key.pem", "--origin", "rekor.example.com")
	vkey := strings.TrimSpace(string(d.read("logs/rekor/g1/vkey")))
	if !strings.Contains(want, "verifier  "+vkey+"\n") {
		t.Errorf("not the verifier string of kms export:\n%s", want)
	}
	_, id, _ := strings.Cut(arn, ":key/")
	aliasARN := strings.Replace(arn, "key/"+id, d.alias("logs/rekor"), 1)
	for _, form := range []string{
		arn, id, aliasARN, d.alias("logs/rekor"),
		"awskms:///" + arn, "awskms:///" + d.alias("logs/rekor"), "awskms:///" + aliasARN,
		"awskms:///awskms:///" + arn, // the scheme twice
		d.dir + "/logs/rekor/g1/key.json",
	} {
		if got := d.ok("log", "key", form, "--origin", "rekor.example.com"); got != want {
			t.Errorf("%s gives\n%swant\n%s", form, got, want)
		}
	}
	// with a host, with two slashes, with nothing: the right form is shown
	d.fails(2, []string{`the URI names the host "kms.example.com"`, "write awskms:///alias/x and name the endpoint in AWS_ENDPOINT_URL_KMS"},
		"log", "key", "awskms://kms.example.com/alias/x", "--origin", "rekor.example.com")
	d.fails(2, []string{"three slashes", "write awskms:///" + arn}, "log", "key", "awskms://"+arn, "--origin", "rekor.example.com")
	d.fails(2, []string{"is neither a file nor a key in KMS"}, "log", "key", "nowhere.pem", "--origin", "rekor.example.com")
	d.fails(4, []string{"not found", "across accounts write the key's ARN"}, "log", "key", "alias/nothing", "--origin", "rekor.example.com")
}

func TestLogKey_TwoCalls(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.calls()
	d.ok("log", "key", d.plan.Logs["rekor"].Generations[0].Key, "--origin", "rekor.example.com")
	d.called(map[string]int{"DescribeKey": 1, "GetPublicKey": 1})
}

func TestLogKey_StaticCT(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "export")
	var k look.CheckpointKey
	out := d.ok("--json", "log", "key", d.dir+"/logs/tesseract/g1/key.pem", "--kind", "static-ct", "--origin", "ctlog.example.com/2026")
	if err := json.Unmarshal([]byte(out), &k); err != nil {
		t.Fatal(err)
	}
	if len(k.Warnings) != 0 || strings.HasPrefix(k.LogIDHex, k.KeyHash) || !strings.Contains(k.Verifier, "ctlog.example.com/2026+"+k.KeyHash+"+") {
		t.Errorf("got %+v", k)
	}
}

func TestLogKey_RefusesOtherKeysFromKMS(t *testing.T) {
	d := newDesk(t)
	p384 := d.foreign(kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP384})
	edwards := d.foreign(kms.CreateKeyInput{KeySpec: types.KeySpecEccNistEdwards25519})
	d.fails(5, []string{"P-384", "cosign would accept the checkpoint and sigstore-js reject it", "make a P-256 key"}, "log", "key", p384, "--origin", "rekor.example.com")
	d.fails(5, []string{"Ed25519", "unsupported hash algorithm"}, "log", "key", edwards, "--origin", "rekor.example.com")
	d.fails(5, []string{"Fulcio refuses a CT log key other than P-256 at its start"}, "log", "key", edwards, "--kind", "static-ct", "--origin", "ct.example.com/2026")
	d.fails(2, []string{"--origin is missing"}, "log", "key", p384)
	d.fails(2, []string{`log kind "rekor" is not known`}, "log", "key", p384, "--origin", "rekor.example.com", "--kind", "rekor")
}

func TestLogKey_OriginsAndWarnings(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "export")
	pem := d.dir + "/logs/rekor/g1/key.pem"
	d.fails(2, []string{"has a scheme", `write "rekor.example.com"`}, "log", "key", pem, "--origin", "https://rekor.example.com/")
	d.fails(2, []string{"ends with a slash"}, "log", "key", pem, "--origin", "rekor.example.com/")
	d.fails(2, []string{"not a bare host name"}, "log", "key", pem, "--origin", "rekor.example.com:443")
	warned := func(want string, args ...string) {
		t.Helper()
		_, errs, code := d.run(append([]string{"log", "key"}, args...)...)
		if code != 0 || !strings.Contains(errs, "warning: ") || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, no %q in\n%s", args, code, want, errs)
		}
	}
	// the plan has the key at another host
	warned(`log rekor of the plan: origin "log.example.com" is not the host "rekor.example.com" of the base URL`, pem, "--origin", "log.example.com")
	warned(`gives this key to log rekor with the origin "rekor.example.com", not "log.example.com"`, pem, "--origin", "log.example.com")
	warned("which is rekor-v2, not static-ct", pem, "--origin", "rekor.example.com", "--kind", "static-ct")
	// the plan has another key at the host
	warned("it pins another key", d.dir+"/logs/tesseract/g1/key.pem", "--origin", "rekor.example.com")
	// without a plan, the base URL on the command line
	d.dir = t.TempDir()
	warned("sigstore-go looks for checkpoints of", pem, "--origin", "rekor.example.com", "--url", "https://log.example.com")
	if _, errs, code := d.run("log", "key", pem, "--origin", "rekor.example.com", "--url", "https://rekor.example.com/log"); code != 0 || errs != "" {
		t.Errorf("the right URL: exit code %d\n%s", code, errs)
	}
}

func TestLogKey_TheAWSCommandsJSON(t *testing.T) {
	d := newDesk(t)
	d.create()
	arn := d.plan.Logs["rekor"].Generations[0].Key
	answer, err := d.sdk().GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: aws.String(arn)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(map[string]any{"KeyId": arn, "PublicKey": answer.PublicKey, "SigningAlgorithms": []string{"ECDSA_SHA_256"}}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := d.ok("log", "key", arn, "--origin", "rekor.example.com")
	if got := d.ok("log", "key", d.write("answer.json", text), "--origin", "rekor.example.com"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for name, data := range map[string]string{
		"object": `{}`, "array": `[]`, "nothing": "", "not DER": `{"PublicKey": "AAAA"}`, "long": strings.Repeat(" ", 70000) + "{}",
	} {
		path := d.write("bad.json", []byte(data))
		if _, errs, code := d.run("log", "key", path, "--origin", "rekor.example.com"); code != 2 || !strings.Contains(errs, "bad.json") {
			t.Errorf("%s: exit code %d\n%s", name, code, errs)
		}
	}
}

func TestLogKey_OpenSSLAgreesOnTheLogID(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "export")
	out, err := exec.Command("sh", "-c", "openssl pkey -pubin -outform DER -in "+d.dir+"/logs/rekor/g1/key.pem | openssl dgst -sha256 -binary | base64").Output()
	if err != nil {
		t.Fatal(err)
	}
	if text := d.ok("log", "key", d.dir+"/logs/rekor/g1/key.pem", "--origin", "rekor.example.com"); !strings.Contains(text, "log ID    "+string(out)) {
		t.Errorf("openssl says %s", out)
	}
	if _, err := os.Stat(d.dir + "/logs/rekor/g1/key.json"); err != nil {
		t.Error(err)
	}
}
