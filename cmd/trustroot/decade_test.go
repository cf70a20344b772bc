//go:build decade

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	sigtuf "github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// shiftVariable moves time.Now by seconds, in a program that scripts/decade
// built with its overlay and in no other.
const shiftVariable = "TRUSTROOT_DECADE_SHIFT"

// event is one day of the walk. act names a method of decade; its arguments
// follow. code is the exit code of the day's last command.
type event struct {
	year, month int // after the founding
	act         string
	args        []string
	code        int
}

// Tokens beside those of the rehearsal.
const (
	secondSerial = rehearsal.StandbySerial + 1 + iota
	thirdSerial
	fourthSerial
	freshSerial // in place of one that was lost
	nextSerial  // of the root that follows
)

// events are twelve years, in order. What is automatic (refreshes) and the
// re-signing of the root are not listed: the walk does them when they are due.
var events = []event{
	{0, 0, "holders", nil, 0},
	{1, 6, "shard", []string{"rekor", "rekor28.example.com"}, 0},
	{2, 2, "renew", []string{"fulcio", "tsa"}, 0},
	{3, 2, "lost", []string{"second", fmt.Sprint(freshSerial)}, 0},
	{3, 4, "stolen", []string{"tsa"}, 0},
	{3, 4, "emergency", []string{"tsa"}, 0},
	{4, 1, "shard", []string{"rekor", "rekor31.example.com"}, 0},
	{4, 3, "retire", []string{"deploy"}, 0},
	{4, 6, "replaced", []string{"third", "fourth", fmt.Sprint(fourthSerial)}, 0},
	{5, 0, "renew", []string{"fulcio", "tsa"}, 0},
	{6, 5, "stolen", []string{"root"}, 0},
	{6, 5, "refused", []string{"renew", "fulcio", "--new-key", "--root", "1", "--ceremony", "never", "--day", "DAY"}, 5},
	{6, 5, "promote", nil, 0},
	{6, 5, "emergency", []string{"fulcio", "tsa"}, 0},
	{6, 6, "lastcrl", []string{"1"}, 0},
	{7, 4, "root", []string{fmt.Sprint(nextSerial), "2054-01-01T00:00:00Z"}, 0},
	{8, 1, "moved", []string{"tsa", "https://time.example.com/api/v1/timestamp"}, 0},
	{8, 3, "renew", []string{"fulcio"}, 0},
	{8, 6, "asleep", nil, 0},
	{8, 8, "refused", []string{"tuf", "stage", "targets"}, 2},
	{8, 8, "awake", nil, 0},
	{9, 8, "online", nil, 0},
	{9, 10, "over", []string{"2"}, 0},
	{10, 2, "renew", []string{"fulcio", "tsa"}, 0},
	{11, 3, "shard", []string{"tesseract", "ctlog.example.com/2038"}, 0},
}

// incidents are what nobody plans; a year without any may take so many commands
// and touches and no more.
var incidents = []string{"lost", "stolen", "replaced", "asleep"}

const quietCommands, quietTouches = 30, 12

// golden are the human acts of each year: command lines, touches. Growing
// tedium fails the build.
var golden = [12][2]int{
	{18, 10}, {18, 6}, {20, 10}, {24, 14}, {32, 15}, {20, 10}, {28, 14}, {14, 7}, {40, 18}, {19, 8}, {20, 10}, {18, 6},
}

type decade struct {
	t        *testing.T
	dir      string
	began    time.Time
	r        *rehearsal.Rehearsal
	root     uint32 // token of the root that issues
	rootNo   int
	holders  []string // two who sign: the serial numbers of their tokens
	asleep   bool     // nobody signs the root again
	roots    []int    // of the TUF repository, that clients began with, by year
	caches   string   // folder of clients that began in each year
	day      int      // after the founding
	commands int      // of people, this year
	total    int
	last     bytes.Buffer // of the last command's errors
}

// at moves the clock to a day after the founding.
func (d *decade) at(day int) {
	d.day = max(d.day, day) // time never goes back
	day = d.day
	d.t.Setenv(shiftVariable, fmt.Sprint(int64(d.began.AddDate(0, 0, day).Sub(d.began).Seconds())))
}

func (d *decade) now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func (d *decade) try(args ...string) (string, int) {
	var out bytes.Buffer
	d.last.Reset()
	f := &cmdutil.Factory{Out: &out, Err: &d.last, Operator: &term.Script{Out: io.Discard, Secrets: rehearsal.Secret}, Now: d.now(), Dir: d.dir}
	code := cmdutil.Execute(d.t.Context(), f, programs.Trustroot(f), args)
	return out.String(), code
}

// person runs what somebody types; machine what a timer or a service does.
func (d *decade) person(args ...string) string {
	d.commands++
	return d.machine(args...)
}

func (d *decade) machine(args ...string) string {
	d.t.Helper()
	out, code := d.try(args...)
	if code != 0 {
		d.t.Fatalf("%s: trustroot %s: exit code %d\n%s", d.now().Format(time.DateOnly), strings.Join(args, " "), code, d.last.String())
	}
	return out
}

func (d *decade) in(path ...string) string { return filepath.Join(append([]string{d.dir}, path...)...) }

func (d *decade) edit(change func([]byte) []byte) {
	text, err := os.ReadFile(d.in("pki.yaml"))
	if err == nil {
		err = os.WriteFile(d.in("pki.yaml"), change(text), 0o644)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *decade) pin() {
	var keys []struct {
		Name       string `json:"name"`
		Generation int    `json:"generation"`
		ARN        string `json:"arn"`
		SPKI       string `json:"found_spki"`
	}
	if err := json.Unmarshal([]byte(d.person("--json", "kms", "create")), &keys); err != nil {
		d.t.Fatal(err)
	}
	for _, k := range keys {
		d.edit(func(text []byte) []byte {
			in, err := plan.PinKey(text, k.Name, k.Generation, plan.Pin{ARN: k.ARN, SPKISHA256: k.SPKI})
			if err != nil {
				d.t.Fatal(err)
			}
			return in.Apply(text)
		})
	}
}

func (d *decade) ceremony(name string, token uint32) {
	d.person("request", "create", "--ceremony", name, "--out", d.in("rehearsal", "usb"))
	d.hold(name, token)
}

// hold holds the ceremony whose request was made, and files its record.
func (d *decade) hold(name string, token uint32) {
	folders, err := filepath.Glob(d.in("rehearsal", "usb", "[0-9][0-9][0-9][0-9]-"+name))
	if err != nil || len(folders) != 1 {
		d.t.Fatal(folders, err)
	}
	record := d.in("rehearsal", "usb", d.now().Format(time.DateOnly)+"-"+name)
	d.person("ceremony", "run", folders[0], "--serial", fmt.Sprint(token), "--out", d.in("rehearsal", "usb"), "--allow-network", "--rehearsal")
	d.person("ceremony", "accept", record, "--rehearsal")
	d.machine("ceremony", "verify", d.in("ceremonies", filepath.Base(record)), "--rehearsal")
}

func (d *decade) publish(stage ...string) {
	if len(stage) > 0 { // what the ledger says is staged by the command that entered it
		d.person(append([]string{"tuf", "stage"}, stage...)...)
	}
	folders, err := filepath.Glob(d.in("staged", "[0-9][0-9][0-9][0-9]")) // the folders, not the files to carry
	if err != nil || len(folders) == 0 {
		d.t.Fatal(folders, err)
	}
	staged := folders[len(folders)-1]
	for _, serial := range d.holders {
		d.person("tuf", "sign", staged, "--serial", serial)
	}
	d.person("tuf", "merge", staged)
	d.person("tuf", "publish", staged, "--rehearsal")
}

// act does what an event says.
func (d *decade) act(e event, n int) {
	day, name := d.now().Format(time.DateOnly), fmt.Sprintf("day-%d", n)
	switch e.act {
	case "renew":
		d.person(slices.Concat([]string{"renew"}, e.args, []string{"--new-key", "--ceremony", name, "--day", day, "--root", fmt.Sprint(d.rootNo), "--write"})...)
		d.pin()
		d.person(append([]string{"kms", "csr"}, e.args...)...)
		d.ceremony(name, d.root)
		d.publish()
		d.cutover(e.args)
	case "emergency": // the theft planned it
		name = trustdir.Newest(d.plan().Authorities[e.args[0]].Generations).Ceremony
		d.pin()
		d.person(append([]string{"kms", "csr"}, e.args...)...)
		d.ceremony(name, d.root)
		d.publish()
		d.cutover(e.args)
	case "shard":
		log, origin := e.args[0], e.args[1]
		d.person("renew", log, "--new-key", "--origin", origin, "--url", "https://"+origin, "--start", d.now().Add(8*24*time.Hour).Format(time.RFC3339), "--write")
		d.pin()
		d.person("kms", "export", log)
		d.person("log", "add", log)
		d.publish()
		d.cutover(e.args[:1])
	case "stolen":
		since := d.now()
		d.at(d.day + 1)
		d.machine("rehearse", "bundle", "--another") // the thief's
		flags := []string{"compromise", e.args[0], "--generation", fmt.Sprint(d.generation(e.args[0])), "--since", since.Format(time.RFC3339), "--reason", "stolen"}
		if e.args[0] == "tsa" {
			flags = append(flags, "--stay")
		}
		d.person(flags...) // published with what replaces it: signers need a service to be sent to
	case "refused":
		args := slices.Clone(e.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "DAY", day)
		}
		if _, code := d.try(args...); code != e.code {
			d.t.Fatalf("trustroot %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, e.code, d.last.String())
		}
	case "promote":
		d.person("promote")
		d.root, d.rootNo = rehearsal.StandbySerial, 2
	case "retire":
		d.person("retire", e.args[0])
		d.publish()
	case "holders":
		d.replace(map[string]string{
			"    holders: [first]\n    threshold: 1\n    expiry: 197d\n    resign: 46d": "    holders: [first, second, third]\n    threshold: 2\n    expiry: 365d\n    resign: 90d",
			"    holders: [first]\n    threshold: 1\n    expiry: 3650d":                 "    holders: [first, second, third]\n    threshold: 2\n    expiry: 3650d",
			"\ntuf:\n": fmt.Sprintf("\n  second: {token: %d, slot: \"9a\"}\n  third: {token: %d, slot: \"9a\"}\ntuf:\n", secondSerial, thirdSerial),
			"\nexceptions:\n  - name: tuf-single-holder\n    reason: a rehearsal has one holder\n": "\n",
		})
		d.joins("second", fmt.Sprint(secondSerial))
		d.joins("third", fmt.Sprint(thirdSerial))
		d.holders = []string{fmt.Sprint(rehearsal.HolderSerial), fmt.Sprint(secondSerial)}
		d.publish("root")
	case "lost":
		d.replace(map[string]string{fmt.Sprintf("second: {token: %d", secondSerial): "second: {token: " + e.args[1]})
		d.joins(e.args[0], e.args[1])
		d.holders = []string{fmt.Sprint(rehearsal.HolderSerial), fmt.Sprint(thirdSerial)} // who are left
		d.publish("root")
		d.holders = []string{fmt.Sprint(rehearsal.HolderSerial), e.args[1]}
	case "replaced":
		d.replace(map[string]string{
			"    holders: [first, second, third]": "    holders: [first, second, fourth]", "\n    holders: [first, second, third]": "\n    holders: [first, second, fourth]",
			fmt.Sprintf("  third: {token: %d, slot: \"9a\"}\n", thirdSerial): fmt.Sprintf("  fourth: {token: %d, slot: \"9a\"}\n", fourthSerial),
		})
		d.joins(e.args[1], e.args[2])
		d.publish("root")
	case "online":
		d.online()
	case "lastcrl":
		d.rootDay(e.args[0])
		d.publish()
	case "root":
		serial := e.args[0]
		d.person("token", "provision", "--serial", serial, "--for-root")
		d.person("renew", "root", "--new-key", "--token", serial, "--ceremony", name, "--day", day, "--write")
		d.replace(map[string]string{"        ceremony: " + name + "\n": "        ceremony: " + name + "\n        not_after: " + e.args[1] + "\n"})
		token, err := strconv.ParseUint(serial, 10, 32)
		if err != nil {
			d.t.Fatal(err)
		}
		d.root, d.rootNo = uint32(token), d.rootNo+1
		d.ceremony(name, d.root)
		d.publish()
	case "moved":
		d.person("renew", e.args[0], "--new-key", "--url", e.args[1], "--ceremony", name, "--day", day, "--root", fmt.Sprint(d.rootNo), "--write")
		d.pin()
		d.person("kms", "csr", e.args[0])
		d.ceremony(name, d.root)
		d.publish()
		d.cutover(e.args[:1])
	case "asleep":
		d.asleep = true
		d.at(d.day + 366) // past the end of the root that clients have
	case "awake":
		d.asleep = false
		d.publish("root")
	case "over":
		number, err := strconv.Atoi(e.args[0])
		if err != nil {
			d.t.Fatal(err)
		}
		d.person("retire", "root", "--generation", e.args[0])
		d.rootDay(e.args[0], "--destroy")
		d.publish()
		if g := d.state().Authorities["root"][number-1]; g.Destroyed == nil {
			d.t.Fatalf("root g%d was not destroyed", number)
		}
	default:
		d.t.Fatalf("nobody knows how to %s", e.act)
	}
}

// replace edits the plan by hand: each text once.
func (d *decade) replace(texts map[string]string) {
	for from, to := range texts {
		d.edit(func(text []byte) []byte {
			if !bytes.Contains(text, []byte(from)) {
				d.t.Fatalf("the plan has no %q", from)
			}
			return bytes.Replace(text, []byte(from), []byte(to), 1)
		})
	}
}

// joins has a holder join with a new token.
func (d *decade) joins(name, serial string) {
	answer := d.in("rehearsal", "usb", name+"-"+serial+".json")
	d.person("token", "provision", "--serial", serial)
	d.person("tuf", "invite", name)
	d.person("tuf", "join", d.in("holders", name, "challenge.json"), "--serial", serial, "--out", answer)
	d.person("tuf", "join", "--accept", answer, "--rehearsal")
}

// online replaces the online key, in three steps.
func (d *decade) online() {
	before := d.plan()
	d.replace(map[string]string{"  online_key:\n": "  next_online_key: {generation: 2}\n  online_key:\n"})
	var keys []struct {
		Name string `json:"name"`
		ARN  string `json:"arn"`
		SPKI string `json:"found_spki"`
	}
	if err := json.Unmarshal([]byte(d.person("--json", "kms", "create")), &keys); err != nil || len(keys) != 1 {
		d.t.Fatal(keys, err)
	}
	key := keys[0]
	d.replace(map[string]string{"next_online_key: {generation: 2}": fmt.Sprintf("next_online_key: {generation: 2, key: %q, spki_sha256: %s}", key.ARN, key.SPKI)})
	d.publish("root")
	d.at(d.day + 2)
	d.replace(map[string]string{
		fmt.Sprintf("  next_online_key: {generation: 2, key: %q, spki_sha256: %s}\n", key.ARN, key.SPKI): "",
		"  online_key:\n    generation: 1\n": "  online_key:\n    generation: 2\n",
		before.TUF.OnlineKey.Key:             key.ARN,
		before.TUF.OnlineKey.SPKISHA256:      key.SPKI,
	})
	d.machine("tuf", "refresh")
	d.publish("root")
}

// rootDay holds a ceremony at the token of a root for its CRL alone.
func (d *decade) rootDay(root string, more ...string) {
	number, err := strconv.Atoi(root)
	if err != nil {
		d.t.Fatal(err)
	}
	p := d.plan()
	d.person(append([]string{"request", "create", "--crl", root, "--out", d.in("rehearsal", "usb")}, more...)...)
	for name := range d.plan().Ceremonies {
		if _, before := p.Ceremonies[name]; !before {
			d.hold(name, p.Ceremonies[p.Authorities["root"].Generations[number-1].Ceremony].Token)
		}
	}
}

func (d *decade) plan() *plan.Plan {
	text, err := os.ReadFile(d.in("pki.yaml"))
	if err != nil {
		d.t.Fatal(err)
	}
	p, err := plan.Parse("pki.yaml", text)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// day is when an event happens, in days after the founding.
func (e event) day() int { return e.year*365 + e.month*30 + 2 }

func (d *decade) state() *ledger.State {
	l, err := ledger.Read(d.in("ledger.jsonl"))
	if err != nil {
		d.t.Fatal(err)
	}
	return l.State()
}

// generation is the one in use: of the root, that which is stolen.
func (d *decade) generation(name string) int {
	if name == "root" {
		return d.rootNo
	}
	return len(d.state().All(name))
}

// cutover signs one bundle more in the last hour of the old generation, and
// closes it where it is still open.
func (d *decade) cutover(names []string) {
	state := d.state()
	var open []string
	for _, name := range names {
		if g := state.All(name); len(g) > 1 && g[len(g)-2].End == nil {
			open = append(open, name)
		}
	}
	if len(open) == 0 {
		return
	}
	d.at(d.day + 9)                                                 // until every verifier has fetched the new generation
	if _, code := d.try("tuf", "refresh"); code != 0 && code != 6 { // 6: the root is due, the walk signs it next month
		d.t.Fatalf("tuf refresh: exit code %d\n%s", code, d.last.String())
	}
	d.person(slices.Concat([]string{"cutover"}, open, []string{"--at", d.now().Format(time.RFC3339)})...)
	d.publish()
}

// assert holds what was published against everything that it must satisfy.
func (d *decade) assert() {
	d.t.Helper()
	d.machine("trusted-root", "check")
	d.machine("trusted-root", "lint", d.in("trust", ".well-known", "trusted_root.json"))
	d.machine("ledger", "verify")
	d.machine("plan", "check")
	d.machine("services", "render", "all", "--out", filepath.Join(d.t.TempDir(), "services"))
}

// client is a TUF client with a cache of its own, that began with a root; it
// fetches from a server, as cosign's does.
func (d *decade) client(server *httptest.Server, year, root int) {
	d.t.Helper()
	anchor, err := os.ReadFile(d.in("tuf", fmt.Sprintf("%d.root.json", root)))
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := sigtuf.New(&sigtuf.Options{Root: anchor, CachePath: filepath.Join(d.caches, fmt.Sprint(year)), RepositoryBaseURL: server.URL})
	if err != nil {
		d.t.Fatalf("%s: a client of year %d: %v", d.now().Format(time.DateOnly), year, err)
	}
	got, err := c.GetTarget("trusted_root.json")
	want, errWant := os.ReadFile(d.in("trust", ".well-known", "trusted_root.json"))
	if err != nil || errWant != nil || !bytes.Equal(got, want) {
		d.t.Errorf("%s: a client of year %d has another trusted root: %v %v", d.now().Format(time.DateOnly), year, err, errWant)
	}
}

func TestDecade(t *testing.T) {
	needs.That(t, virtual.Missing())
	began := time.Now().UTC()
	monotonic := time.Now()
	t.Setenv(shiftVariable, "86400")
	if moved := time.Now().UTC().Sub(began); moved < 23*time.Hour {
		t.Fatal("the clock does not move: run scripts/decade, which builds with the overlay")
	}
	if passed := time.Since(monotonic); passed > time.Minute {
		t.Fatalf("the monotonic clock moved by %s", passed)
	}
	t.Setenv(shiftVariable, "0")
	d := &decade{t: t, dir: filepath.Join(t.TempDir(), "decade"), caches: t.TempDir(), began: began, root: rehearsal.Serial, rootNo: 1}
	d.holders = []string{fmt.Sprint(rehearsal.HolderSerial)}
	r, err := rehearsal.Run(t.Context(), rehearsal.Options{
		Out: d.dir, Now: d.now(), Progress: io.Discard, Standby: true, Spares: []uint32{secondSerial, thirdSerial, fourthSerial, freshSerial, nextSerial},
		Command: func(_ context.Context, args ...string) ([]byte, error) {
			out, code := d.try(args...)
			if code != 0 {
				return []byte(out), fmt.Errorf("exit code %d: %s", code, d.last.String())
			}
			return []byte(out), nil
		},
	})
	t.Cleanup(func() { _ = r.Close() })
	if err != nil {
		t.Fatal(err)
	}
	d.r = r
	server := httptest.NewServer(http.FileServer(http.Dir(d.in("tuf"))))
	t.Cleanup(server.Close)
	next := 0
	for year := range 12 {
		wall, commands := time.Now(), d.commands
		touched, _ := r.Touches()
		incident := year == 0 // the holders join
		for month := range 12 {
			day := year*365 + month*30
			d.at(day + 1)
			switch _, code := d.try("tuf", "refresh"); code {
			case 0:
			case 6: // the root's signing window is open
				if !d.asleep {
					d.publish("root")
				}
			default:
				t.Fatalf("%s: tuf refresh: exit code %d\n%s", d.now().Format(time.DateOnly), code, d.last.String())
			}
			for ; next < len(events) && events[next].year == year && events[next].month == month; next++ {
				d.at(events[next].day())
				d.act(events[next], next)
				incident = incident || slices.Contains(incidents, events[next].act)
			}
		}
		if _, code := d.try("rehearse", "bundle"); code != 0 && code != 2 { // 2: this set of generations has one
			t.Fatalf("rehearse bundle: exit code %d\n%s", code, d.last.String())
		}
		d.assert()
		touches, signatures := r.Touches()
		if touches != signatures {
			t.Errorf("year %d: %d touches for %d signatures", year, touches, signatures)
		}
		acts, hands := d.commands-commands, touches-touched
		if acts > golden[year][0] || hands > golden[year][1] || !incident && (acts > quietCommands || hands > quietTouches) {
			t.Errorf("year %d: %d commands and %d touches, more than the golden %v", year, acts, hands, golden[year])
		}
		roots, err := filepath.Glob(d.in("tuf", "*.root.json"))
		if err != nil {
			t.Fatal(err)
		}
		d.roots = append(d.roots, len(roots))
		d.client(server, year, len(roots))
		d.total += acts
		fmt.Printf("%d  %3d commands  %3d touches  %4d kB  staged %4d kB  trusted root %2d kB  ledger %3d lines  %s\n", d.began.Year()+1+year, acts, hands, size(d.dir)/1024, size(d.in("staged"))/1024, size(d.in("trust", ".well-known"))/1024, d.state().Entries, time.Since(wall).Round(100*time.Millisecond))
	}
	fmt.Printf("on average %.1f commands and %.1f touches a year\n", float64(d.total)/12, func() float64 { n, _ := r.Touches(); return float64(n) / 12 }())
	for year, root := range d.roots { // clients that slept ever since
		d.client(server, year, root)
		d.machine("tuf", "verify", d.in("tuf"), "--root", d.in("tuf", fmt.Sprintf("%d.root.json", root)), "--rehearsal")
	}
	out := d.machine("status")
	if lines := strings.Count(out, "\n"); lines > 60 {
		t.Errorf("the last status has %d lines", lines)
	}
	fmt.Println(out)
	everyCommandFits(t, d.dir, d.now())
	picturesHold(t, d.dir, d.now())
	if root := d.state().Authorities["root"]; root[0].Compromised == nil || root[1].Standby {
		t.Error("the first root is not known as stolen, or the second was not promoted")
	}
	aside, err := filepath.Glob(d.in("bundles", "*", "*.after-theft.json"))
	if err != nil || len(aside) == 0 {
		t.Errorf("no bundle of a thief was set aside: %v %v", aside, err)
	}
	if keep := os.Getenv("DECADE_KEEP"); keep != "" {
		if err := os.CopyFS(keep, os.DirFS(d.dir)); err != nil {
			t.Error(err)
		}
	}
}

func size(dir string) (total int64) {
	_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
