//go:build decade

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
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

// events are twelve years, in order. What is automatic (refreshes) and the
// re-signing of the root are not listed: the walk does them when they are due.
var events = []event{
	{1, 6, "shard", []string{"rekor", "rekor28.example.com"}, 0},
	{2, 2, "renew", []string{"fulcio", "tsa"}, 0},
	{3, 4, "stolen", []string{"tsa"}, 0},
	{3, 4, "renew", []string{"tsa"}, 0},
	{4, 1, "shard", []string{"rekor", "rekor31.example.com"}, 0},
	{4, 3, "retire", []string{"deploy"}, 0},
	{5, 0, "renew", []string{"fulcio", "tsa"}, 0},
	{6, 5, "stolen", []string{"root"}, 0},
	{6, 5, "refused", []string{"renew", "fulcio", "--new-key", "--root", "1", "--ceremony", "never", "--day", "DAY"}, 5},
	{6, 5, "promote", nil, 0},
	{6, 5, "renew", []string{"fulcio", "tsa"}, 0},
	{6, 6, "lastcrl", nil, 0},
	{8, 8, "renew", []string{"fulcio", "tsa"}, 0},
	{10, 10, "shard", []string{"tesseract", "ctlog.example.com/2037"}, 0},
	{11, 5, "renew", []string{"fulcio", "tsa"}, 0},
}

// golden are the most human acts that a year may take: command lines, touches.
// Growing tedium fails the build.
const (
	quietCommands, quietTouches = 30, 12
	eventCommands, eventTouches = 44, 13
)

type decade struct {
	t        *testing.T
	dir      string
	began    time.Time
	r        *rehearsal.Rehearsal
	root     uint32 // token of the root that issues
	rootNo   int
	day      int // after the founding
	commands int // of people, this year
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
	if len(stage) == 0 {
		d.person("trusted-root", "build")
		d.person("signing-config", "build")
		stage = []string{"targets"}
	}
	d.person(append([]string{"tuf", "stage"}, stage...)...)
	folders, err := filepath.Glob(d.in("staged", "[0-9]*"))
	if err != nil || len(folders) == 0 {
		d.t.Fatal(folders, err)
	}
	staged := folders[len(folders)-1]
	d.person("tuf", "sign", staged, "--serial", fmt.Sprint(rehearsal.HolderSerial))
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
		d.publish("targets")
	case "lastcrl":
		d.edit(func(text []byte) []byte {
			in, err := plan.AppendCeremony(text, name, plan.Ceremony{Day: day, NotBefore: d.now().Truncate(24 * time.Hour), Token: rehearsal.Serial})
			if err != nil {
				d.t.Fatal(err)
			}
			return in.Apply(text)
		})
		d.ceremony(name, rehearsal.Serial)
		d.publish()
	default:
		d.t.Fatalf("nobody knows how to %s", e.act)
	}
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
}

func TestDecade(t *testing.T) {
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
	d := &decade{t: t, dir: filepath.Join(t.TempDir(), "decade"), began: began, root: rehearsal.Serial, rootNo: 1}
	r, err := rehearsal.Run(t.Context(), rehearsal.Options{
		Out: d.dir, Now: d.now(), Progress: io.Discard, Standby: true,
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
	next := 0
	for year := range 12 {
		wall, commands := time.Now(), d.commands
		touched, _ := r.Touches()
		incident := false
		for month := range 12 {
			day := year*365 + month*30
			d.at(day + 1)
			switch _, code := d.try("tuf", "refresh"); code {
			case 0:
			case 6: // the root's signing window is open
				d.publish("root")
			default:
				t.Fatalf("%s: tuf refresh: exit code %d\n%s", d.now().Format(time.DateOnly), code, d.last.String())
			}
			for ; next < len(events) && events[next].year == year && events[next].month == month; next++ {
				d.at(events[next].day())
				d.act(events[next], next)
				incident = true
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
		most, mostTouches := quietCommands, quietTouches
		if incident {
			most, mostTouches = eventCommands, eventTouches
		}
		if acts > most || hands > mostTouches {
			t.Errorf("year %d: %d commands and %d touches, more than the golden %d and %d", year, acts, hands, most, mostTouches)
		}
		d.total += acts
		fmt.Printf("%s  %3d commands  %3d touches  %4d kB  ledger %3d lines  %s\n", d.now().Format("2006"), acts, hands, size(d.dir)/1024, d.state().Entries, time.Since(wall).Round(100*time.Millisecond))
	}
	fmt.Printf("on average %.1f commands and %.1f touches a year\n", float64(d.total)/12, func() float64 { n, _ := r.Touches(); return float64(n) / 12 }())
	out := d.machine("status")
	fmt.Println(out)
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
