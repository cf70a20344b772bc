package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/cli/show"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// requested makes the founding request on a stick and returns the stick.
func (d *desk) requested() string {
	d.t.Helper()
	d.create()
	d.ok("kms", "csr")
	stick := d.t.TempDir()
	d.ok("request", "create", "--ceremony", "founding", "--out", stick)
	return stick
}

func TestRequest_SameTextOnBothSides(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "csr")
	stick := t.TempDir()
	shown := d.ok("request", "create", "--out", stick)
	// the other side has the stick and nothing else
	other := &desk{t: t, dir: t.TempDir(), operator: d.operator, now: d.now.AddDate(0, 0, 3)}
	for _, path := range []string{"/0001-founding", "/0001-founding.tar"} {
		if got := other.ok("request", "show", stick+path); got != shown {
			t.Errorf("%s is shown as\n%swant\n%s", path, got, shown)
		}
	}
	for _, want := range []string{"Request 0001-founding of example.com", "CN=Example Fulcio CA", "UTF8String", "arn:aws:kms:", "Digest of the request, SHA-256 of SHA256SUMS:", "In numbered words:"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
	var twin show.RequestJSON
	if err := json.Unmarshal([]byte(other.ok("--json", "request", "show", stick+"/0001-founding.tar")), &twin); err != nil {
		t.Fatal(err)
	}
	if twin.Text != shown || len(twin.Digest) != 64 || twin.Sequence != 1 || len(strings.Fields(twin.Words)) != 32 {
		t.Errorf("twin %+v", twin)
	}
	// coreutils checks it
	cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd.Dir = stick + "/0001-founding"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	if ledger := d.ok("ledger", "show"); !strings.Contains(ledger, "request 1 for ceremony founding") {
		t.Errorf("ledger:\n%s", ledger)
	}
}

func TestRequestCreate_ReproducibleByteForByte(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "csr")
	ledger := d.read("ledger.jsonl")
	first, second := t.TempDir(), t.TempDir()
	d.ok("request", "create", "--out", first)
	d.write("ledger.jsonl", ledger) // as it was
	d.ok("request", "create", "--out", second)
	if out, err := exec.Command("diff", "-r", first, second).CombinedOutput(); err != nil {
		t.Errorf("the same input gives another request: %v\n%s", err, out)
	}
}

func TestRequestCreate_CSROfAnotherKeyThanTheEvidence(t *testing.T) {
	d := newDesk(t)
	d.create()
	d.ok("kms", "csr")
	before := d.read("ledger.jsonl")
	d.write("authorities/fulcio/g1/key.json", d.read("authorities/tsa/g1/key.json"))
	stick := t.TempDir()
	d.fails(5, []string{"fulcio generation 1: authorities/fulcio/g1/key.json records the key", "is of the key"}, "request", "create", "--out", stick)
	if entries, err := os.ReadDir(stick); err != nil || len(entries) != 0 || !bytes.Equal(before, d.read("ledger.jsonl")) {
		t.Errorf("something was written: %v %v", entries, err)
	}
}

func TestRequestCreate_Places(t *testing.T) {
	d := newDesk(t)
	stick := d.requested()
	d.fails(2, []string{`no ceremony "other"`, "founding"}, "request", "create", "--ceremony", "other")
	d.fails(2, []string{"no such file"}, "request", "create", "--csr", "nowhere.csr")
	// the number goes up, and what lies on the stick stays
	d.ok("request", "create", "--out", stick)
	for _, name := range []string{"0001-founding", "0001-founding.tar", "0002-founding", "0002-founding.tar"} {
		if _, err := os.Stat(filepath.Join(stick, name)); err != nil {
			t.Error(err)
		}
	}
	if err := os.Mkdir(stick+"/0003-founding", 0o755); err != nil {
		t.Fatal(err)
	}
	before := d.tree()
	d.fails(2, []string{"0003-founding exists already; nothing was written"}, "request", "create", "--out", stick)
	if !maps.Equal(before, d.tree()) {
		t.Error("the ledger grew")
	}
}

// spire adds an authority whose key is elsewhere, and returns its request.
func (d *desk) spire() []byte {
	d.t.Helper()
	needs.Program(d.t, "openssl")
	dir := d.t.TempDir()
	out, err := exec.Command("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-sha384",
		"-keyout", dir+"/key.pem", "-out", dir+"/spire.csr", "-subj", "/O=example.com/CN=Example SPIRE CA").CombinedOutput()
	if err != nil {
		d.t.Fatalf("openssl: %v\n%s", err, out)
	}
	data, err := os.ReadFile(dir + "/spire.csr")
	if err != nil {
		d.t.Fatal(err)
	}
	csr, err := pki.ParseRequest(data)
	if err != nil {
		d.t.Fatal(err)
	}
	a := d.plan.Authorities["fulcio"]
	a.Profile, a.URL, a.Subject.CommonName = "spiffe-ca", "", "Example SPIRE CA"
	a.URIs = []string{"spiffe://example.com"}
	a.Generations = []plan.Generation{{Generation: 1, Key: "external", SPKISHA256: csr.SPKISHA256, Ceremony: "founding"}}
	d.plan.Authorities["spire"] = a
	d.save()
	return data
}

func TestRequestCreate_ExternalCSR(t *testing.T) {
	d := newDesk(t)
	csr := d.spire()
	d.create()
	d.ok("kms", "csr")
	stick := t.TempDir()
	d.fails(1, []string{"authorities/spire/g1/request.csr", "--csr FILE; nothing was written"}, "request", "create", "--out", stick)
	d.fails(2, []string{"spire is not a key in KMS"}, "kms", "csr", "spire")
	path := t.TempDir() + "/from-spire.csr"
	if err := os.WriteFile(path, csr, 0o600); err != nil {
		t.Fatal(err)
	}
	shown := d.ok("request", "create", "--out", stick, "--csr", path)
	if !strings.Contains(shown, "EXTERNAL: a request from a file, no evidence of where the key is kept") {
		t.Errorf("not marked external:\n%s", shown)
	}
	if !bytes.Equal(d.read("authorities/spire/g1/request.csr"), csr) {
		t.Error("the request was not filed")
	}
	d.ok("request", "create", "--out", stick, "--csr", path) // once more, the same
	d.ok("request", "create", "--out", stick)                // and from the file
}

func TestRequestCreate_RefusesAnotherExternalKey(t *testing.T) {
	d := newDesk(t)
	other := d.spire() // the plan pins the second one's key
	csr := d.spire()
	d.create()
	d.ok("kms", "csr")
	before, stick, dir := d.tree(), t.TempDir(), t.TempDir()
	give := func(name string, data []byte) string {
		t.Helper()
		if err := os.WriteFile(dir+"/"+name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return dir + "/" + name
	}
	changed := bytes.Replace(csr, []byte("MI"), []byte("MJ"), 1)
	d.fails(5, []string{"other.csr: it is for the key ", "the plan pins ", " for spire g1", "compare the key's fingerprint"}, "request", "create", "--out", stick, "--csr", give("other.csr", other))
	d.fails(5, []string{"changed.csr"}, "request", "create", "--out", stick, "--csr", give("changed.csr", changed))
	d.fails(5, []string{"empty.csr"}, "request", "create", "--out", stick, "--csr", give("empty.csr", nil))
	d.fails(2, []string{"long.csr"}, "request", "create", "--out", stick, "--csr", give("long.csr", make([]byte, 1<<20)))
	good := give("good.csr", csr)
	d.fails(2, []string{"a second request for spire"}, "request", "create", "--out", stick, "--csr", good, "--csr", give("again.csr", csr))
	// fulcio's own request is none for spire, though it is genuine
	d.fails(5, []string{"it is for the key"}, "request", "create", "--out", stick, "--csr", d.dir+"/authorities/fulcio/g1/request.csr")
	if entries, err := os.ReadDir(stick); err != nil || len(entries) != 0 || !maps.Equal(before, d.tree()) {
		t.Errorf("something was written: %v %v", entries, err)
	}
	d.ok("request", "create", "--out", stick, "--csr", good)
}

// measured is the command line as a program that leaves the most memory it
// ever took, in kilobytes, in the file that MEASURED names. What the kernel
// tells the parent counts the parent's own memory too.
func measured() {
	code := cmdutil.Main(programs.Trustroot)
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		_, most, _ := strings.Cut(string(status), "VmHWM:")
		most, _, _ = strings.Cut(most, "kB")
		err = os.WriteFile(os.Getenv("MEASURED"), []byte(strings.TrimSpace(most)), 0o600)
	}
	if err != nil {
		panic(err)
	}
	os.Exit(code)
}

// hostile runs `request show` as a program of its own: it must refuse the
// request by name, before it takes much memory, time or disk.
func hostile(t *testing.T, path string, words ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, dir+"/measured"); err != nil {
		t.Fatal(err)
	}
	before := spaceOf(t, filepath.Dir(path))
	var stderr bytes.Buffer
	cmd := exec.Command(dir+"/measured", "request", "show", path)
	cmd.Stderr, cmd.Env = &stderr, append(os.Environ(), "MEASURED="+dir+"/memory")
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("exit code %d, %v\n%s", code, err, &stderr)
	}
	for _, word := range append([]string{"trustroot: error: ", "trustroot: hint: "}, words...) {
		if !strings.Contains(stderr.String(), word) {
			t.Errorf("no %q in\n%s", word, &stderr)
		}
	}
	text, err := os.ReadFile(dir + "/memory")
	if err != nil {
		t.Fatal(err)
	}
	kilobytes, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB of memory", kilobytes>>10)
	if kilobytes > 160<<10 { // a whole request of the largest size is 34 MB, the race detector takes much
		t.Errorf("took %d MB of memory", kilobytes>>10)
	}
	if seconds := cmd.ProcessState.UserTime().Seconds() + cmd.ProcessState.SystemTime().Seconds(); seconds > 10 {
		t.Errorf("took %.1f seconds", seconds)
	}
	if after := spaceOf(t, filepath.Dir(path)); after != before {
		t.Errorf("%d files became %d", before, after)
	}
}

// spaceOf counts what lies in a folder, not what lies below.
func spaceOf(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestRequestShow_HostileFolders(t *testing.T) {
	needs.Time(t)
	d := newDesk(t)
	stick := d.requested()
	broken := func(name string, breakIt func(dir string) error, words ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir() + "/0001-founding"
			if err := os.CopyFS(dir, os.DirFS(stick+"/0001-founding")); err != nil {
				t.Fatal(err)
			}
			if err := breakIt(dir); err != nil {
				t.Fatal(err)
			}
			hostile(t, dir, words...)
		})
	}
	csr := "authorities/fulcio/g1/request.csr"
	broken("one changed byte", func(dir string) error {
		data, err := os.ReadFile(dir + "/" + csr)
		if err != nil {
			return err
		}
		data[len(data)/2] ^= 1
		return os.WriteFile(dir+"/"+csr, data, 0o600)
	}, csr, "changed")
	broken("an extra file", func(dir string) error { return os.WriteFile(dir+"/notes.txt", nil, 0o600) }, "notes.txt")
	broken("a file missing", func(dir string) error { return os.Remove(dir + "/" + csr) }, csr, "missing")
	broken("a symbolic link", func(dir string) error {
		if err := os.Remove(dir + "/" + csr); err != nil {
			return err
		}
		return os.Symlink("/etc/passwd", dir+"/"+csr)
	}, csr, "symbolic link")
	broken("100,000 files", func(dir string) error {
		for n := range 100_000 {
			f, err := os.Create(fmt.Sprintf("%s/authorities/%06d", dir, n))
			if err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
		return nil
	}, "1000")
	broken("a file of 10 GB", func(dir string) error { return os.Truncate(dir+"/pki.yaml", 10<<30) }, "pki.yaml")
	broken("another key in the evidence, and sums to fit", func(dir string) error {
		return exchange(dir, "authorities/fulcio/g1/key.json", "authorities/tsa/g1/key.json")
	}, "authorities/fulcio/g1/key.json records the key")
}

// exchange puts one file in place of another and makes SHA256SUMS fit.
func exchange(dir, name, by string) error {
	data, err := os.ReadFile(dir + "/" + by)
	if err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/"+name, data, 0o600); err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", "sed 's/^[^ ]*  //' SHA256SUMS | xargs sha256sum > new && mv new SHA256SUMS")
	cmd.Dir = dir
	return cmd.Run()
}

func TestRequestShow_HostileTars(t *testing.T) {
	d := newDesk(t)
	stick := d.requested()
	good, err := os.ReadFile(stick + "/0001-founding.tar")
	if err != nil {
		t.Fatal(err)
	}
	give := func(name string, data []byte, words ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/0001-founding.tar"
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			hostile(t, path, words...)
		})
	}
	packed := func(headers ...*tar.Header) []byte {
		t.Helper()
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			h.Mode, h.Format = 0o644, tar.FormatPAX
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	give("a symbolic link", packed(&tar.Header{Typeflag: tar.TypeSymlink, Name: "0001-founding/pki.yaml", Linkname: "/etc/passwd"}), "0001-founding/pki.yaml", "symbolic link")
	give("a path that leads out", packed(&tar.Header{Name: "0001-founding/../../etc/passwd"}), "../../etc/passwd")
	give("an absolute path", packed(&tar.Header{Name: "/etc/passwd"}), "/etc/passwd")
	give("a file of 10 GB", packed(&tar.Header{Name: "0001-founding/pki.yaml", Size: 10 << 30}), "0001-founding.tar")
	var many []*tar.Header
	for n := range 100_000 {
		many = append(many, &tar.Header{Name: fmt.Sprintf("0001-founding/%06d", n)})
	}
	give("100,000 files", packed(many...), "0001-founding.tar")
	changed := bytes.Clone(good)
	at := bytes.Index(changed, []byte("example.com"))
	changed[at] ^= 1
	give("one changed byte", changed, "changed")
	give("cut short", good[:len(good)/2], "0001-founding.tar")
	t.Run("a tar of 10 GB", func(t *testing.T) {
		path := t.TempDir() + "/0001-founding.tar"
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 10<<30); err != nil {
			t.Fatal(err)
		}
		hostile(t, path, "0001-founding.tar")
	})
}
