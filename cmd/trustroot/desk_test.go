package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// desk is an admin host: a trust directory, a KMS stand-in, and a person who
// says yes. Commands run in this process, so that the stand-in's log can be
// read.
type desk struct {
	t        *testing.T
	dir      string
	kms      *local.Server
	plan     *plan.Plan
	operator *term.Script
	now      time.Time
}

// callers of the stand-in, by access key ID
const (
	keyAdmin = "arn:aws:iam::111122223333:role/key-admin"
	outside  = "arn:aws:iam::444455556666:role/admin-host"
	fulcioID = "arn:aws:iam::444455556666:role/fulcio"
	reviewer = "arn:aws:iam::777788889999:role/reviewer"
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
	server, err := local.Start(t.Context(), local.Options{
		Principals: map[string]local.Principal{
			"OUTSIDE": {ARN: outside},
			"FULCIO":  {ARN: fulcioID},
			"EXPIRED": {ARN: "arn:aws:iam::111122223333:user/late", Expired: true},
		},
		Roles: []local.Role{{ARN: keyAdmin, Trust: []string{outside}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &desk{
		t: t, dir: t.TempDir(), kms: server, operator: &term.Script{Out: io.Discard},
		now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC),
	}
	d.as(local.AccessKeyID)
	text, err := plan.Example{
		Organization: "example.com", Name: "Example", Domain: "example.com",
		NotBefore: d.now.Truncate(24 * time.Hour), Token: 10000001, Threshold: 2,
		Holders: []plan.ExampleHolder{{Name: "ada", Token: 10000002}, {Name: "ben", Token: 10000003}},
	}.Render()
	if err != nil {
		t.Fatal(err)
	}
	if d.plan, err = plan.Parse("pki.yaml", text); err != nil {
		t.Fatal(err)
	}
	d.save()
	d.ok("init")
	return d
}

// as makes the next commands somebody else's.
func (d *desk) as(accessKeyID string) {
	d.t.Helper()
	for _, pair := range d.kms.EnvFor(accessKeyID) {
		name, value, _ := strings.Cut(pair, "=")
		d.t.Setenv(name, value)
	}
}

// save writes the plan as it stands.
func (d *desk) save() {
	d.t.Helper()
	text, err := d.plan.Marshal()
	if err != nil {
		d.t.Fatal(err)
	}
	d.write("pki.yaml", text)
}

func (d *desk) write(name string, data []byte) string {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

func (d *desk) read(name string) []byte {
	d.t.Helper()
	data, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

// alias is that of a key's first generation.
func (d *desk) alias(key string) string {
	d.t.Helper()
	dir, err := trustdir.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	return "alias/trustroot/" + dir.ID()[:8] + "/" + key + "/g1"
}

// run runs one command line in the trust directory.
func (d *desk) run(args ...string) (out, errs string, code int) {
	d.t.Helper()
	var stdout, stderr bytes.Buffer
	f := &cmdutil.Factory{Out: &stdout, Err: &stderr, Operator: d.operator, Now: d.now, Dir: d.dir}
	code = cmdutil.Execute(d.t.Context(), f, programs.Trustroot(f), args)
	return stdout.String(), stderr.String(), code
}

// ok runs a command that must succeed and returns what it printed.
func (d *desk) ok(args ...string) string {
	d.t.Helper()
	out, errs, code := d.run(args...)
	if code != 0 {
		d.t.Fatalf("trustroot %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

// fails runs a command that must fail with a code and a hint, and say words.
func (d *desk) fails(code int, words []string, args ...string) (out, errs string) {
	d.t.Helper()
	out, errs, got := d.run(args...)
	if got != code {
		d.t.Errorf("trustroot %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, errs)
	}
	for _, word := range append([]string{"trustroot: error: ", "trustroot: hint: "}, words...) {
		if !strings.Contains(errs, word) {
			d.t.Errorf("trustroot %s: no %q in\n%s", strings.Join(args, " "), word, errs)
		}
	}
	return out, errs
}

// made is a key as `kms create --json` prints it.
type made struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	New  bool   `json:"new"`
	ARN  string `json:"arn"`
	SPKI string `json:"found_spki"`
}

// create makes the keys that the plan lacks and, as the second person does,
// writes their pins into it.
func (d *desk) create(args ...string) []made {
	d.t.Helper()
	var all []made
	if err := json.Unmarshal([]byte(d.ok(append([]string{"--json", "kms", "create"}, args...)...)), &all); err != nil {
		d.t.Fatal(err)
	}
	for _, m := range all {
		d.pin(m)
	}
	d.save()
	return all
}

func (d *desk) pin(m made) {
	g := map[string]func() []plan.Generation{
		"authorities": func() []plan.Generation { return d.plan.Authorities[m.Name].Generations },
		"logs":        func() []plan.Generation { return d.plan.Logs[m.Name].Generations },
		"apps":        func() []plan.Generation { return d.plan.Apps[m.Name].Generations },
	}
	if m.Kind == "tuf" {
		d.plan.TUF.OnlineKey.Key, d.plan.TUF.OnlineKey.SPKISHA256 = m.ARN, m.SPKI
		return
	}
	of := g[m.Kind]()
	of[len(of)-1].Key, of[len(of)-1].SPKISHA256 = m.ARN, m.SPKI
}

// calls counts what the stand-in was asked since the last count, without STS.
func (d *desk) calls() map[string]int {
	n := map[string]int{}
	for _, c := range d.kms.Calls() {
		if c.Action != "GetCallerIdentity" && c.Action != "AssumeRole" {
			n[c.Action]++
		}
	}
	d.kms.Forget()
	return n
}

func (d *desk) called(want map[string]int) {
	d.t.Helper()
	if got := d.calls(); !maps.Equal(got, want) {
		d.t.Errorf("the stand-in was called %v, want %v", got, want)
	}
}

// tree lists every file of the trust directory with its content.
func (d *desk) tree() map[string]string {
	d.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(d.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, d.dir+"/")] = string(data)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return files
}
