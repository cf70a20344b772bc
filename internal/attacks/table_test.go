//go:build linux && cgo

package attacks

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// row is one attack: a change, a command, and the answer that it must get.
type row struct {
	name    string
	do      func(w *world)             // what the attacker changes; nil: nothing
	args    []string                   // the command line; {dir} is the trust directory, {tmp} an empty folder beside it
	program string                     // "trustroot" where empty
	under   []string                   // a program with arguments that runs the command, such as strace
	typed   func(screen string) string // the person's answer to a prompt; nil: the exact yes and the rehearsal's PIN
	code    int                        // exit code; -1: any but 0, -2: any
	words   []string                   // on the streams or the terminal
	never   []string                   // nowhere there
	within  time.Duration              // the command ends by itself in this time; 0: a minute
	check   func(w *world)             // what must hold afterwards; nil: nothing
}

// world is a copy of a rehearsal's trust directory, with its KMS.
type world struct {
	*testing.T
	dir string
	tmp string
	kms *local.Server
	env []string
}

// built are the folder of the programs and the rehearsal that each world copies.
var built struct{ programs, rehearsal string }

// the syntax is looked through without them
func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "attacks-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build makes the programs and plays one rehearsal. TRUSTROOT_ATTACKED names a
// folder of programs to attack in their place, of an earlier state for instance.
func build(dir string) error {
	built.programs, built.rehearsal = filepath.Join(dir, "bin"), filepath.Join(dir, "rehearsal")
	make := []string{"go", "build", "-o", built.programs + "/", "../../cmd/..."}
	if other := os.Getenv("TRUSTROOT_ATTACKED"); other != "" {
		make, built.programs = []string{"test", "-d", other}, other
	}
	commands := [][]string{make, {filepath.Join(built.programs, "trustroot"), "rehearse", "--out", built.rehearsal}}
	flag.Parse()
	if virtual.Missing() != nil || testing.Short() {
		commands = nil // every world is skipped
	}
	for _, command := range commands {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return nil
}

// play runs each row in a world of its own.
func play(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if r.do != nil {
				r.do(w)
			}
			said, code := w.run(r)
			if code != r.code && (r.code >= 0 || r.code == -1 && code == 0) {
				t.Errorf("exit code %d, want %d\n%s", code, r.code, said)
			}
			for _, word := range r.words {
				if !strings.Contains(said, word) {
					t.Errorf("no %q in\n%s", word, said)
				}
			}
			for _, word := range r.never {
				if strings.Contains(said, word) {
					t.Errorf("%q is in\n%q", word, said)
				}
			}
			if r.check != nil {
				r.check(w)
			}
		})
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	needs.Time(t)
	needs.That(t, virtual.Missing())
	w := &world{T: t, dir: filepath.Join(t.TempDir(), "r"), tmp: t.TempDir()}
	if out, err := exec.Command("cp", "-a", built.rehearsal, w.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.env = []string{"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "NO_COLOR=1"}
	w.startKMS()
	return w
}

// startKMS starts the stand-in on the rehearsal's keys.
func (w *world) startKMS() {
	w.Helper()
	server, err := local.Start(w.Context(), local.Options{StateFile: filepath.Join(w.dir, "rehearsal", "kms.json")})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := server.Close(); err != nil {
			w.Error(err)
		}
	})
	w.kms, w.env = server, append(w.env, server.Env()...)
}

// run runs a row's command with the row's person at its terminal, and returns
// what its streams and its terminal showed.
func (w *world) run(r row) (said string, code int) {
	w.Helper()
	program, within := r.program, r.within
	if program == "" {
		program = "trustroot"
	}
	if within == 0 {
		within = time.Minute
	}
	ctx, cancel := context.WithTimeout(w.Context(), within)
	defer cancel()
	args := w.paths(slices.Concat(r.under, []string{filepath.Join(built.programs, program)}, r.args))
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), w.env...)
	screen := newScreen(w, r.typed)
	screen.attach(cmd)
	out, err := cmd.CombinedOutput()
	said = string(out) + screen.close()
	if ctx.Err() != nil {
		w.Errorf("%s does not end within %s", strings.Join(args, " "), within)
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return said, failed.ExitCode()
	}
	if err != nil {
		w.Fatal(err)
	}
	return said, 0
}

// paths puts the world's folders into arguments.
func (w *world) paths(args []string) (out []string) {
	paths := strings.NewReplacer("{dir}", w.dir, "{tmp}", w.tmp)
	for _, a := range args {
		out = append(out, paths.Replace(a))
	}
	return out
}

// ok runs a command that must succeed.
func (w *world) ok(args ...string) string {
	w.Helper()
	said, code := w.run(row{args: args})
	if code != 0 {
		w.Fatalf("trustroot %s: exit code %d\n%s", strings.Join(args, " "), code, said)
	}
	return said
}

// plug plugs in virtual tokens from the rehearsal's state files, "token.json"
// and "holder.json", or a card made with other options.
func (w *world) plug(options ...virtual.Options) {
	w.Helper()
	var cards []*virtual.Card
	for _, o := range options {
		o.StateFile = filepath.Join(w.dir, "rehearsal", o.StateFile)
		card, err := virtual.New(o)
		if err != nil {
			w.Fatal(err)
		}
		cards = append(cards, card)
	}
	readers, err := virtual.Start(w.Context(), "", cards...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := readers.Close(); err != nil {
			w.Error(err)
		}
	})
	w.env = append(w.env, "PCSCLITE_CSOCK_NAME="+readers.Socket())
}

// tokenOf is one of the rehearsal's tokens.
func tokenOf(state string) virtual.Options { return virtual.Options{StateFile: state} }

func (w *world) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

func (w *world) read(name string) []byte {
	w.Helper()
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		w.Fatal(err)
	}
	return data
}

func (w *world) write(name string, data []byte) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), data, 0o644); err != nil {
		w.Fatal(err)
	}
}

// replace changes a file's text, which must hold old.
func (w *world) replace(name, old, text string) {
	w.Helper()
	data := string(w.read(name))
	if !strings.Contains(data, old) {
		w.Fatalf("%s does not hold %q", name, old)
	}
	w.write(name, []byte(strings.ReplaceAll(data, old, text)))
}
