package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/logkey"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// alone runs the test in a process of its own and returns there: libpcsclite
// reads the socket of its daemon once in the life of a process.
func alone(t *testing.T) bool {
	t.Helper()
	needs.That(t, virtual.Missing())
	const mark = "TRUSTROOT_TEST_ALONE"
	if os.Getenv(mark) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"="+t.Name())
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, text)
	}
	return false
}

// people are three holders, two of whom must sign, each with a virtual token
// on the real PC/SC daemon, and the admin's trust directory. A fourth token
// lies in the drawer.
type people struct {
	t       *testing.T
	dir     string
	now     time.Time
	kms     *local.Server
	readers *virtual.Readers
	cards   []*virtual.Card
	pin     string
	shown   bytes.Buffer // what the last command printed
}

var tokens = []uint32{rehearsal.HolderSerial, 32000003, 32000004, 32000005}

func newPeople(t *testing.T) *people {
	t.Helper()
	needs.That(t, virtual.Missing())
	p := &people{t: t, dir: filepath.Join(t.TempDir(), "r"), now: time.Now().UTC().Truncate(time.Second), pin: rehearsal.PIN}
	self := exec.Command(program(t), "rehearse", "--out", p.dir)
	if text, err := self.CombinedOutput(); err != nil {
		t.Fatalf("rehearse: %v\n%s", err, text)
	}
	for _, made := range []string{"tuf", "staged", "holders"} {
		p.must(os.RemoveAll(filepath.Join(p.dir, made)))
	}
	var err error
	p.kms, err = local.Start(t.Context(), local.Options{Addr: "127.0.0.1:0", StateFile: filepath.Join(p.dir, "rehearsal", "kms.json")})
	p.must(err)
	t.Cleanup(func() { p.must(p.kms.Close()) })
	for _, variable := range p.kms.Env() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	for _, serial := range tokens {
		p.cards = append(p.cards, p.card(serial))
	}
	p.readers, err = virtual.Start(t.Context(), "", p.cards...)
	p.must(err)
	t.Cleanup(func() { p.must(p.readers.Close()) })
	t.Setenv("PCSCLITE_CSOCK_NAME", p.readers.Socket())
	for _, serial := range tokens[1:] {
		p.run("token", "provision", "--serial", fmt.Sprint(serial))
	}
	p.plan("third", tokens[2])
	return p
}

// card makes a token whose attestation ends at the root that the rehearsal's
// plan pins, as tokens of one maker do.
func (p *people) card(serial uint32) *virtual.Card {
	first := filepath.Join(p.dir, "rehearsal", "holder.json")
	if serial == rehearsal.HolderSerial {
		card, err := virtual.New(virtual.Options{StateFile: first})
		p.must(err)
		return card
	}
	path := filepath.Join(p.t.TempDir(), "token.json")
	_, err := virtual.New(virtual.Options{Serial: serial, StateFile: path})
	p.must(err)
	var maker, own map[string]json.RawMessage
	for name, into := range map[string]*map[string]json.RawMessage{first: &maker, path: &own} {
		data, err := os.ReadFile(name)
		p.must(err)
		p.must(json.Unmarshal(data, into))
	}
	for name := range own {
		if strings.HasPrefix(name, "attestation_") {
			own[name] = maker[name]
		}
	}
	data, err := json.Marshal(own)
	p.must(err)
	p.must(os.WriteFile(path, data, 0o600))
	card, err := virtual.New(virtual.Options{StateFile: path})
	p.must(err)
	return card
}

// plan names the holders: first, second, and one more.
func (p *people) plan(third string, token uint32) {
	path := filepath.Join(p.dir, "pki.yaml")
	data, err := os.ReadFile(path)
	p.must(err)
	text := regexp.MustCompile(`(?s)\nholders:.*?\n\n`).ReplaceAllString(string(data), fmt.Sprintf(
		"\nholders:\n  first: {token: %d, slot: \"9a\"}\n  second: {token: %d, slot: \"9a\"}\n  %s: {token: %d, slot: \"9a\"}\n\n",
		tokens[0], tokens[1], third, token))
	text = regexp.MustCompile(`holders: \[.*\]`).ReplaceAllString(text, "holders: [first, second, "+third+"]")
	text = strings.ReplaceAll(text, "threshold: 1\n", "threshold: 2\n")
	text = regexp.MustCompile(`(?s)\nexceptions:.*?\n\n`).ReplaceAllString(text, "\n\n")
	p.must(os.WriteFile(path, []byte(text), 0o644))
}

func (p *people) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// try runs one command line as the person whose PIN it is.
func (p *people) try(args ...string) error {
	p.shown.Reset()
	f := &cmdutil.Factory{
		Out: &p.shown, Err: &p.shown, Now: p.now, Dir: p.dir,
		Operator: &term.Script{Out: io.Discard, Secrets: func(prompt string) ([]byte, error) {
			if strings.Contains(prompt, "PUK") {
				return []byte(rehearsal.PUK), nil
			}
			return []byte(p.pin), nil
		}},
	}
	root := programs.Trustroot(f)
	root.SetArgs(args)
	root.SetOut(f.Out)
	root.SetErr(f.Err)
	return root.ExecuteContext(p.t.Context())
}

func (p *people) run(args ...string) string {
	p.t.Helper()
	if err := p.try(args...); err != nil {
		p.t.Fatalf("trustroot %s: %v\n%s", strings.Join(args, " "), err, p.shown.String())
	}
	return p.shown.String()
}

// refused runs a command line that must fail, with its exit code and words.
func (p *people) refused(code fault.Code, want string, args ...string) {
	p.t.Helper()
	err := p.try(args...)
	if err == nil {
		p.t.Fatalf("trustroot %s went through\n%s", strings.Join(args, " "), p.shown.String())
	}
	if !strings.Contains(err.Error(), want) || fault.ExitCode(err) != int(code) {
		p.t.Errorf("trustroot %s: want exit code %d and %q, got %d: %v", strings.Join(args, " "), code, want, fault.ExitCode(err), err)
	}
}

// join invites a holder, who answers on their own machine, and accepts.
func (p *people) join(name string, token uint32) {
	p.t.Helper()
	p.run("tuf", "invite", name)
	answer := filepath.Join(p.t.TempDir(), name+".json")
	p.run("--dir", p.t.TempDir(), "tuf", "join", filepath.Join(p.dir, "holders", name, "challenge.json"), "--serial", fmt.Sprint(token), "--out", answer)
	p.run("tuf", "join", "--accept", answer, "--rehearsal")
}

func (p *people) staged(n int) string { return filepath.Join(p.dir, "staged", fmt.Sprintf("%04d", n)) }

// carry copies a staged folder to another place.
func (p *people) carry(n int) string {
	p.t.Helper()
	to := filepath.Join(p.t.TempDir(), "stick")
	p.must(os.CopyFS(to, os.DirFS(p.staged(n))))
	return to
}

func (p *people) sign(folder string, token uint32, more ...string) string {
	p.t.Helper()
	return p.run(append([]string{"tuf", "sign", folder, "--serial", fmt.Sprint(token)}, more...)...)
}

func signaturesIn(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "signatures", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// first publishes the first repository, signed in two places.
func (p *people) first() {
	p.t.Helper()
	p.join("first", tokens[0])
	p.join("second", tokens[1])
	p.join("third", tokens[2])
	p.run("tuf", "init")
	here, there := p.carry(1), p.carry(1)
	p.sign(here, tokens[0])
	p.sign(there, tokens[2])
	p.run(append([]string{"tuf", "merge", p.staged(1)}, append(signaturesIn(p.t, there), signaturesIn(p.t, here)...)...)...)
	p.run("tuf", "publish", p.staged(1), "--rehearsal")
}

func (p *people) verify() string {
	p.t.Helper()
	server := httptest.NewServer(http.FileServerFS(os.DirFS(filepath.Join(p.dir, "tuf"))))
	defer server.Close()
	return p.run("tuf", "verify", server.URL, "--root", filepath.Join(p.dir, "tuf", "1.root.json"), "--rehearsal")
}

func TestTUF_TwoOfThreeHoldersOnTokens(t *testing.T) {
	needs.Time(t)
	if !alone(t) {
		return
	}
	p := newPeople(t)
	p.first()
	if text := p.verify(); strings.Count(text, "2 of 2 signed") != 3 || strings.Count(text, "attested") != 3 {
		t.Errorf("verified:\n%s", text)
	}

	// a change of the targets: nothing at first, then what was signed again, in
	// two places
	p.refused(fault.Usage, "nothing to stage", "tuf", "stage")
	config := filepath.Join(p.dir, "trust", ".well-known", "signing-config.json")
	data, err := os.ReadFile(config)
	p.must(err)
	p.must(os.WriteFile(config, append(data, '\n'), 0o644))
	p.refused(fault.Verification, "signing-config.json has other bytes than ledger and plan make", "tuf", "stage", "targets")
	p.must(os.WriteFile(config, data, 0o644))
	if text := p.run("tuf", "stage", "targets", "--renew"); !strings.Contains(text, "targets: version 2 after 1") {
		t.Errorf("staged:\n%s", text)
	}

	// one holder twice is one holder
	here, there := p.carry(2), p.carry(2)
	p.sign(here, tokens[1], "--root", filepath.Join(p.dir, "tuf", "1.root.json"))
	p.refused(fault.Failure, "second has signed already", "tuf", "sign", here, "--serial", fmt.Sprint(tokens[1]))
	p.sign(there, tokens[1])
	twice := append(signaturesIn(t, here), signaturesIn(t, there)...)
	if text := p.run(append([]string{"tuf", "merge", p.staged(2)}, twice...)...); !strings.Contains(text, "1 of 2, signed by second") || strings.Contains(text, "sealed") {
		t.Errorf("merged with one holder's two signatures:\n%s", text)
	}
	p.refused(fault.Failure, "signatures are missing", "tuf", "publish", p.staged(2), "--rehearsal")

	// a signature over another version is refused, whatever it is named
	p.refused(fault.Verification, "it is over targets version 1; version 2 is to be signed here",
		"tuf", "merge", p.staged(2), filepath.Join(p.staged(1), "signatures", filepath.Base(p.signatureOf(1, "targets", "first"))))

	third := p.carry(2)
	p.sign(third, tokens[2])
	p.run(append([]string{"tuf", "merge", p.staged(2)}, signaturesIn(t, third)...)...)
	p.run("tuf", "publish", p.staged(2), "--rehearsal")
	if text := p.verify(); !regexp.MustCompile(`targets +version 2 +2 of 2 signed`).MatchString(text) {
		t.Errorf("verified:\n%s", text)
	}

	// the third token is lost: its holder joins with another one, root is
	// signed by the two who are left, and the old key is on file as a former one
	p.plan("third", tokens[3])
	p.join("third", tokens[3])
	if text := p.run("next"); !strings.Contains(text, "trustroot --dir "+p.dir+" tuf stage root") {
		t.Errorf("a holder's key changed, and next says:\n%s", text)
	}
	if text := p.run("tuf", "stage"); !strings.Contains(text, "root: key removed: third") || !strings.Contains(text, "root: key added: third") {
		t.Errorf("staged:\n%s", text)
	}
	p.refused(fault.Verification, "is another one than the root to start from", "tuf", "sign", p.staged(3), "--serial", fmt.Sprint(tokens[0]), "--root", p.foreignRoot())
	for _, token := range tokens[:2] {
		p.sign(p.staged(3), token)
	}
	p.run("tuf", "merge", p.staged(3))
	p.run("tuf", "publish", p.staged(3), "--rehearsal", "--to", filepath.Join(t.TempDir(), "mirror"))
	// the delegation of application keys went with it: the old key counts nowhere
	if text := p.verify(); !regexp.MustCompile(`root +version 2`).MatchString(text) || !regexp.MustCompile(`apps +version 3 +2 of 2 signed`).MatchString(text) || strings.Contains(text, "former") {
		t.Errorf("verified:\n%s", text)
	}
	p.refused(fault.Usage, "nothing to stage", "tuf", "stage")
	if text := p.run("next"); strings.Contains(text, "tuf stage") {
		t.Errorf("the new key is published, and next says:\n%s", text)
	}
}

// signatureOf finds a holder's signature file among those of a staged folder.
func (p *people) signatureOf(n int, role, holder string) string {
	p.t.Helper()
	for _, path := range signaturesIn(p.t, p.staged(n)) {
		data, err := os.ReadFile(path)
		p.must(err)
		if strings.Contains(string(data), `"`+role+`"`) && strings.Contains(string(data), `"`+holder+`"`) {
			return path
		}
	}
	p.t.Fatalf("no signature of %s by %s", role, holder)
	return ""
}

// foreignRoot is the root of the same repository with one expiry changed.
func (p *people) foreignRoot() string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, "tuf", "1.root.json"))
	p.must(err)
	path := filepath.Join(p.t.TempDir(), "root.json")
	p.must(os.WriteFile(path, regexp.MustCompile(`"expires": ?"2`).ReplaceAll(data, []byte(`"expires":"3`)), 0o644))
	return path
}

func TestTUF_TheTrueCauseReachesThePerson(t *testing.T) {
	needs.Time(t)
	if !alone(t) {
		return
	}
	p := newPeople(t)
	p.join("first", tokens[0])
	p.join("second", tokens[1])
	p.join("third", tokens[2])
	p.run("tuf", "init")
	folder, serial := p.staged(1), fmt.Sprint(tokens[1])

	p.pin = "000000"
	p.refused(fault.Device, "PIN", "tuf", "sign", folder, "--serial", serial)
	p.pin = rehearsal.PIN

	// the token goes away at each exchange of the whole signing in turn
	before := p.cards[1].Exchanges()
	whole := p.carry(1)
	p.sign(whole, tokens[1])
	n := p.cards[1].Exchanges() - before
	for at := n - 5; at <= n; at++ {
		p.cards[1].SetFaults(virtual.Fault{At: p.cards[1].Exchanges() + at, Kind: virtual.FaultRemoved})
		err := p.try("tuf", "sign", folder, "--serial", serial)
		p.must(p.readers.Insert(p.cards[1]))
		if err == nil {
			t.Fatalf("signed though the token was pulled at exchange %d of %d", at, n)
		}
		if fault.ExitCode(err) != int(fault.Device) || !strings.Contains(err.Error(), "removed") && !strings.Contains(err.Error(), "pulled") && !strings.Contains(err.Error(), "gone") {
			t.Errorf("pulled at exchange %d: %v", at, err)
		}
		if left := signaturesIn(t, folder); len(left) != 0 {
			t.Fatalf("signature files left: %v", left)
		}
	}

	// KMS says no while the online key should sign
	p.sign(folder, tokens[0])
	p.sign(folder, tokens[1])
	p.kms.SetRules(local.Rules{Deny: []local.Deny{{Action: "Sign"}}})
	p.refused(fault.Device, "access denied", "tuf", "publish", folder, "--rehearsal")
	if left, err := filepath.Glob(filepath.Join(p.dir, "tuf", "*")); err != nil || len(left) != 0 {
		t.Errorf("published without the online key: %v, %v", left, err)
	}
	p.kms.SetRules(local.Rules{})
	p.run("tuf", "publish", folder, "--rehearsal")
	p.verify()
}

func TestTUF_RefreshSaysWhoMustSign(t *testing.T) {
	needs.Time(t)
	if !alone(t) {
		return
	}
	p := newPeople(t)
	p.first()
	start := p.now
	mirror := filepath.Join(t.TempDir(), "mirror")
	if text := p.run("tuf", "refresh"); !strings.Contains(text, "all there") {
		t.Errorf("refreshed on the first day:\n%s", text)
	}
	empty := t.TempDir()
	if text := p.run("tuf", "refresh", "--to", empty); !strings.Contains(text, empty+": wrote timestamp.json") || strings.Contains(text, "tuf/: wrote") {
		t.Errorf("an empty place was not brought up:\n%s", text)
	}
	p.now = start.Add(2 * 24 * time.Hour)
	if text := p.run("tuf", "refresh"); !strings.Contains(text, "wrote timestamp.json") || strings.Contains(text, "snapshot.json") {
		t.Errorf("refreshed after two days:\n%s", text)
	}
	p.now = start.Add(160 * 24 * time.Hour) // root is signed for 197 days, again 46 days before
	p.refused(fault.Due, "root 1 expires on", "tuf", "refresh")
	if text := p.shown.String(); !strings.Contains(text, "2 of first, second, third") || !strings.Contains(text, "wrote timestamp.json") {
		t.Errorf("refreshed while root is due:\n%s", text)
	}

	// an expired root is renewed by the same holders
	p.now = start.Add(300 * 24 * time.Hour)
	p.refused(fault.Due, "1.root.json expired on", "tuf", "refresh")
	p.run("tuf", "stage", "root")
	p.sign(p.staged(2), tokens[0])
	p.sign(p.staged(2), tokens[1])
	p.run("tuf", "merge", p.staged(2))
	p.run("tuf", "publish", p.staged(2), "--rehearsal")
	p.verify()

	units := filepath.Join(t.TempDir(), "units")
	p.run("tuf", "refresh", "--systemd", units, "--to", mirror)
	service, err := os.ReadFile(filepath.Join(units, "trustroot-refresh.service"))
	p.must(err)
	if !strings.Contains(string(service), "--to "+mirror+"\n") {
		t.Errorf("service:\n%s", service)
	}
}

func TestTUF_GateAndInvitationRefuse(t *testing.T) {
	needs.Time(t)
	if !alone(t) {
		return
	}
	p := newPeople(t)

	// an answer counts once, from the plan's token, attested
	p.run("tuf", "invite", "first")
	challenge := filepath.Join(p.dir, "holders", "first", "challenge.json")
	old := filepath.Join(t.TempDir(), "old.json")
	p.must(os.Link(challenge, old))
	wrong := filepath.Join(t.TempDir(), "wrong.json")
	p.run("tuf", "join", challenge, "--serial", fmt.Sprint(tokens[3]), "--out", wrong)
	p.refused(fault.Verification, fmt.Sprint(tokens[3]), "tuf", "join", "--accept", wrong, "--rehearsal")
	p.run("tuf", "invite", "first")
	void := filepath.Join(t.TempDir(), "void.json")
	p.run("tuf", "join", old, "--serial", fmt.Sprint(tokens[0]), "--out", void)
	p.refused(fault.Verification, "it answers another challenge", "tuf", "join", "--accept", void, "--rehearsal")
	answer := filepath.Join(t.TempDir(), "answer.json")
	p.run("tuf", "join", challenge, "--serial", fmt.Sprint(tokens[0]), "--out", answer)
	p.refused(fault.Verification, "this belongs to a rehearsal", "tuf", "join", "--accept", answer)
	p.run("tuf", "join", "--accept", answer, "--rehearsal")
	p.refused(fault.Verification, "no invitation", "tuf", "join", "--accept", answer, "--rehearsal")
	p.refused(fault.Usage, "holder second has no public key yet", "tuf", "init")

	p.first()
	p.refused(fault.Usage, "holds a repository already", "tuf", "init")

	// a trusted root that takes back what was published is not signed
	trusted := filepath.Join(p.dir, "trust", ".well-known", "trusted_root.json")
	good, err := os.ReadFile(trusted)
	p.must(err)
	var file map[string]any
	p.must(json.Unmarshal(good, &file))
	file["tlogs"] = []any{}
	bad, err := json.Marshal(file)
	p.must(err)
	p.must(os.WriteFile(trusted, bad, 0o644))
	p.refused(fault.Verification, "trusted_root.json has other bytes than ledger and plan make", "tuf", "stage", "targets")
	p.must(os.WriteFile(trusted, good, 0o644))

	// a ledger that was cut is found out before anything is staged
	ledger := filepath.Join(p.dir, "ledger.jsonl")
	whole, err := os.ReadFile(ledger)
	p.must(err)
	cut := whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1]
	p.must(os.WriteFile(ledger, cut, 0o644))
	p.refused(fault.Verification, "", "tuf", "stage", "targets")
	p.must(os.WriteFile(ledger, whole, 0o644))

	// an attestation of another key than the holder's is found at the gate, and
	// by those who verify
	p.run("tuf", "stage", "targets", "--renew")
	p.sign(p.staged(2), tokens[0])
	p.sign(p.staged(2), tokens[1])
	slot := func(name string) string {
		return filepath.Join(p.dir, "holders", name, "attestation", "slot.pem")
	}
	kept, err := os.ReadFile(slot("second"))
	p.must(err)
	other, err := os.ReadFile(slot("first"))
	p.must(err)
	p.must(os.WriteFile(slot("second"), other, 0o644))
	p.refused(fault.Verification, "attestation of holder second", "tuf", "publish", p.staged(2), "--rehearsal")
	p.refused(fault.Verification, "attestation of holder second", "tuf", "verify", filepath.Join(p.dir, "tuf"), "--root", filepath.Join(p.dir, "tuf", "1.root.json"), "--rehearsal")
	p.must(os.WriteFile(slot("second"), kept, 0o644))
	p.run("tuf", "publish", p.staged(2), "--rehearsal")
	p.verify()
}

func TestTUF_ApplicationKeysUnderTheirOwnDelegation(t *testing.T) {
	needs.Time(t)
	if !alone(t) {
		return
	}
	p := newPeople(t)
	path := filepath.Join(p.dir, "pki.yaml")
	data, err := os.ReadFile(path)
	p.must(err)
	data = regexp.MustCompile(`(?s)\napps:.*?\n\n`).ReplaceAll(data, []byte("\n"))
	p.must(os.WriteFile(path, data, 0o644))
	p.first()
	p.must(os.WriteFile(path, append([]byte("apps:\n  portal: {algorithm: P-256, generations: [{generation: 1}]}\n"), data...), 0o644))
	key, err := os.ReadFile(filepath.Join(p.dir, "holders", "first", "key.pem"))
	p.must(err)
	app := filepath.Join(p.dir, "apps", "portal", "g1")
	p.must(os.MkdirAll(app, 0o755))
	p.must(os.WriteFile(filepath.Join(app, "key.pem"), key, 0o644))
	d, err := trustdir.Open(p.dir)
	p.must(err)
	digest, err := logkey.PublicKeyDigest(key)
	p.must(err)
	p.must(d.Append(time.Now().UTC().Truncate(time.Second), ledger.Entry{App: &ledger.App{Name: "portal", Generation: 1, SPKISHA256: digest, File: trustdir.FileOf("apps/portal/g1/key.pem", key)}}))
	p.run("trusted-root", "build")
	if text := p.run("tuf", "stage", "targets"); !strings.Contains(text, "delegation apps signs apps/*, apps/*/*") || !strings.Contains(text, "added: apps/portal/g1.pub") {
		t.Errorf("staged:\n%s", text)
	}
	p.sign(p.staged(2), tokens[0])
	p.sign(p.staged(2), tokens[1])
	p.run("tuf", "publish", p.staged(2), "--rehearsal")
	if text := p.verify(); !regexp.MustCompile(`apps +version 1 +2 of 2 signed`).MatchString(text) {
		t.Errorf("verified:\n%s", text)
	}
}
