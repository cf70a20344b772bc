//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/internal/next"
	"github.com/linnemanlabs/trustroot/internal/pty"
)

// toll is what a walk asks of its people.
type toll struct{ commands, confirmations, hidden, words, touches, copied, carried int }

func (a toll) minus(b toll) toll {
	return toll{a.commands - b.commands, a.confirmations - b.confirmations, a.hidden - b.hidden, a.words - b.words, a.touches - b.touches, a.copied - b.copied, a.carried - b.carried}
}

// walk is three people in three folders: alice has the trust directory, bob a
// clone of it, and carol the root's token. They run what `trustroot next` says,
// and know their secrets, the words on the paper, and how to say yes.
type walk struct {
	*testing.T
	dirs    map[string]string // by person
	stick   string
	on      string // who had the stick last
	slip    bool
	slips   int      // made so far
	slipped []string // the questions at which
	paper   string   // what was written down of the request
	taken   map[string]bool
	screen  bytes.Buffer
	toll
	files map[string]int // carried, by their names
}

var (
	hiddenAsked = regexp.MustCompile(`(?:PIN|PUK)[^\n]*: $`)
	numbered    = regexp.MustCompile(`\d+ ([A-Za-z]+)`)
	blanks      = regexp.MustCompile(`\b[A-Z]{3,}\b`)
)

const walkSecrets = `PIN[^\n]*, again: $` + "\t315926\t315962\n" + `PIN[^\n]*: $` + "\t315926\t351926\n" +
	`PUK[^\n]*, again: $` + "\t27182845\t27182854\n" + `PUK[^\n]*: $` + "\t27182845\t2718284\n"

func newWalk(t *testing.T, slip bool) *walk {
	t.Helper()
	root := t.TempDir()
	w := &walk{T: t, dirs: map[string]string{}, stick: filepath.Join(root, "stick"), taken: map[string]bool{}, files: map[string]int{}, slip: slip}
	for _, name := range []string{"alice", "bob", "carol"} {
		w.dirs[name] = filepath.Join(root, name)
	}
	for _, dir := range append(slices.Collect(maps.Values(w.dirs)), w.stick) {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("NO_COLOR", "1")
	t.Setenv("TMPDIR", os.TempDir())
	return w
}

// practise runs `trustroot init --rehearsal`, which keeps tokens and KMS running
// until the end of the test.
func (w *walk) practise() {
	w.Helper()
	w.commands++
	cmd := exec.Command("trustroot", "init", "--rehearsal") // it ends with its input
	cmd.Dir = w.dirs["alice"]
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			w.Errorf("init --rehearsal: %v\n%s", err, said.String())
		}
	})
	text := make([]byte, 4096)
	for shown := ""; !strings.Contains(shown, "AWS_SECRET_ACCESS_KEY"); {
		n, err := out.Read(text)
		if shown += string(text[:n]); err != nil {
			w.Fatalf("init --rehearsal ended: %v\n%s%s", err, shown, said.String())
		}
		for line := range strings.Lines(shown) {
			name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
			if ok && strings.HasSuffix(line, "\n") {
				w.Setenv(name, value)
			}
		}
	}
	go io.Copy(io.Discard, out) // until it ends
}

// list is what next says of alice's folder.
func (w *walk) list() *next.List {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), "trustroot", "next", "--json")
	cmd.Dir = w.dirs["alice"]
	text, err := cmd.Output()
	if err != nil {
		w.Fatalf("next: %v", err)
	}
	var l next.List
	if err := json.Unmarshal(text, &l); err != nil {
		w.Fatal(err)
	}
	return &l
}

// step is the first one that is open and was not taken, and its command.
func (w *walk) step(l *next.List) (*next.Step, string) {
	needed := 0
	for i := range l.Steps {
		s := &l.Steps[i]
		command := s.Larger
		if command == "" && len(s.Commands) > 0 {
			command = s.Commands[0]
		}
		if s.Done || command == "" || s.Elsewhere && w.taken[command] {
			if s.Needed > 0 {
				needed++
			}
			continue
		}
		if s.Needed > 0 && needed >= s.Needed {
			continue
		}
		return s, command
	}
	return nil, ""
}

// follow runs what next says until a command begins with end.
func (w *walk) follow(end string) {
	w.Helper()
	last := ""
	clear(w.taken)
	for range 30 {
		s, command := w.step(w.list())
		if s == nil || strings.HasPrefix(command, end) {
			return
		}
		if command == last {
			w.Fatalf("next says it again: %s\n%s", command, w.screen.String())
		}
		last = command
		w.run(w.person(s), command)
		w.taken[command] = true
	}
	w.Fatalf("no end is in sight\n%s", w.screen.String())
}

func (w *walk) person(s *next.Step) string {
	switch s.Who {
	case next.Holder, next.Witness:
		return s.Name
	case next.SecondPerson:
		return "bob"
	case next.KeyHolder:
		return "carol"
	}
	return "alice"
}

// run types a command as it stands.
func (w *walk) run(who, command string) {
	w.Helper()
	w.commands++
	if strings.Contains(command, "STICK") {
		if w.on != who && w.on != "" {
			w.carried++
			w.files["the stick"]++
		}
		w.on = who
		command = strings.ReplaceAll(command, "STICK", w.stick)
	}
	if n := len(blanks.FindAllString(strings.ReplaceAll(command, w.stick, ""), -1)); n > 0 {
		w.Fatalf("a blank is left in: %s", command)
	}
	w.bring(who, command)
	second := who == "bob" && strings.HasPrefix(command, "trustroot ")
	if second { // what version control carries
		if err := os.RemoveAll(w.dirs[who]); err != nil {
			w.Fatal(err)
		}
		if err := os.CopyFS(w.dirs[who], os.DirFS(w.dirs["alice"])); err != nil {
			w.Fatal(err)
		}
	}
	out := w.typed(who, "exec "+command)
	if second {
		w.copy(filepath.Join(w.dirs[who], "pki.yaml"), filepath.Join(w.dirs["alice"], "pki.yaml"))
		w.carried += 2
		w.files["pki.yaml, by version control"] += 2
	}
	if strings.Contains(command, "request show ") {
		w.paper = ""
		_, words, _ := strings.Cut(out, "In numbered words:")
		for _, m := range numbered.FindAllStringSubmatch(words, 32) {
			w.paper += m[1] + "\n"
		}
	}
}

// typed runs a command line at a terminal and counts what it asks.
func (w *walk) typed(who, line string) string {
	w.Helper()
	fmt.Fprintf(&w.screen, "\n%s$ %s\n", who, line)
	p, err := newPerson(w.paper+walkSecrets, w.slip)
	if err != nil {
		w.Fatal(err)
	}
	cmd := exec.CommandContext(w.Context(), "sh", "-c", line)
	cmd.Dir = w.dirs[who]
	var out, shown bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &w.screen
	err = pty.Run(cmd, func(text string) (string, bool, error) {
		answer, ok, err := p.answer(text)
		switch {
		case !ok || err != nil:
		case p.asked[len(p.asked)-1].Slip:
			w.slips++
			w.slipped = append(w.slipped, text)
		case wordAsked.MatchString(text):
			w.words++
		case hiddenAsked.MatchString(text):
			w.hidden++
		default:
			w.confirmations++
		}
		return answer, ok, err
	}, &shown)
	w.screen.Write(out.Bytes())
	w.screen.Write(shown.Bytes())
	w.touches += strings.Count(shown.String(), "Touch YubiKey")
	if err != nil {
		w.Fatalf("%s$ %s: %v\n%s", who, line, err, w.screen.String())
	}
	return out.String()
}

// bring carries the files that a command names from where they lie to the one
// who runs it.
func (w *walk) bring(who, command string) {
	w.Helper()
	for _, word := range strings.Fields(command) {
		if ext := filepath.Ext(word); filepath.IsAbs(word) || !slices.Contains([]string{".md", ".json", ".tar"}, ext) {
			continue
		}
		for _, owner := range []string{"alice", "bob", "carol"} {
			dir := w.dirs[owner]
			for _, where := range []string{".", "staged", "holders/*"} {
				if there, _ := filepath.Glob(filepath.Join(w.dirs[who], word)); len(there) > 0 && !strings.Contains(word, "*") {
					continue // one is enough
				}
				found, _ := filepath.Glob(filepath.Join(dir, where, filepath.Base(word)))
				for _, file := range found {
					to := filepath.Join(w.dirs[who], filepath.Dir(word), filepath.Base(file))
					if file == to {
						continue
					}
					w.copy(file, to)
					if owner != who {
						w.carried++
						w.files[filepath.Base(file)]++
					}
				}
			}
		}
	}
}

func (w *walk) copy(from, to string) {
	w.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o644) // a file that people pass on
	}
	if err != nil {
		w.Fatal(err)
	}
}

// days walks a founding, a renewal and a compromise, and returns what each asks.
func (w *walk) days() (tolls []toll) {
	w.Helper()
	before := toll{}
	end := func() {
		w.follow("trustroot services render")
		tolls = append(tolls, w.minus(before))
		before = w.toll
	}
	w.practise()
	// the founding plan gives Fulcio so short a life that its renewal is due
	plan := filepath.Join(w.dirs["alice"], "pki.yaml")
	text, err := os.ReadFile(plan)
	if err == nil {
		err = os.WriteFile(plan, bytes.Replace(text, []byte("validity: 3y"), []byte("validity: 80d"), 1), 0o600)
	}
	if err != nil {
		w.Fatal(err)
	}
	end()
	today := time.Now().UTC()
	w.run("alice", "trustroot renew fulcio tsa --new-key --ceremony renewal --day "+today.Format(time.DateOnly)+" --write")
	end()
	w.run("alice", "trustroot compromise rekor --stay --since "+today.Format(time.RFC3339)+" --reason stolen")
	end()
	return tolls
}

// TestWalk walks a founding, a renewal and a compromise by hand, holds what they
// ask of people against the bounds, and against the table in docs/walk.md.
func TestWalk(t *testing.T) {
	needs.Time(t)
	w := newWalk(t, false)
	tolls := w.days()
	doc, err := os.ReadFile("../../docs/walk.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, day := range []struct {
		name                    string
		commands, confirmations int
	}{{"founding", 14, 8}, {"renewal", 11, 8}, {"compromise of a log's key", 8, 8}} {
		c := tolls[i]
		if c.commands > day.commands || c.confirmations > day.confirmations || c.copied > 0 {
			t.Errorf("%s: %+v, at most %d commands, %d confirmations and no value copied", day.name, c, day.commands, day.confirmations)
		}
		row := fmt.Sprintf("| %s, now | %d | %d | %d | %d | %d | %d | %d |", day.name, c.commands, c.confirmations, c.hidden, c.words, c.touches, c.copied, c.carried)
		t.Log(row)
		if !strings.Contains(string(doc), row) {
			t.Errorf("docs/walk.md does not have: %s", row)
		}
	}
	for name, n := range w.files {
		if n != 1 && filepath.Ext(name) != "" && !strings.Contains(name, " ") {
			t.Errorf("%s was carried %d times", name, n)
		}
	}
	if t.Failed() {
		t.Log(w.screen.String())
	}
}
