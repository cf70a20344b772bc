package ceremony

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/needs"
)

// cutter stops a ceremony at the n-th point: a journal write, or an exchange
// with the token, before it or after it.
type cutter struct {
	at    int // 0: never
	seen  int
	point string // the one that was cut
	stop  func() error
}

func (c *cutter) cut(point string) error {
	if c.seen++; c.seen != c.at {
		return nil
	}
	c.point = point
	return c.stop()
}

var errCut = errors.New("cut for the test")

// cutRun runs a ceremony with a cutter.
func cutRun(o Options, chip *chip, c *cutter) error {
	o.hook, chip.cut = c.cut, c.cut
	defer func() { chip.cut = nil }()
	_, err := Run(context.Background(), o)
	return err
}

// finished resumes a ceremony and wants what one that was never cut leaves.
func (w *world) finished(what string, r *request.Request, before int) {
	w.t.Helper()
	o := w.options(r)
	o.Linter = noLint{}
	path, err := Run(context.Background(), o)
	if err != nil && strings.Contains(err.Error(), "exists already") {
		// the cut came after the record was whole
		path, err = filepath.Join(w.out(), r.Plan.Ceremonies[r.Manifest.Ceremony].Day+"-"+r.Manifest.Ceremony), nil
	}
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	v, err := Verify(path, quick)
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	if len(v.Issued) != len(r.Items) {
		w.t.Errorf("%s: %d certificates for %d requests", what, len(v.Issued), len(r.Items))
	}
	if w.chip.Generated["9c"] != 1 || w.chip.Generated["82"] != 1 || len(w.chip.Keys) != 2 {
		w.t.Errorf("%s: keys made: %v", what, w.chip.Generated)
	}
	w.accounted(what, v, before)
}

// accounted wants every signature of the root key in the journal, as an
// attempt over bytes of which one certificate left.
func (w *world) accounted(what string, v *Verified, before int) {
	w.t.Helper()
	attempts, made := map[string]int{}, 0
	entries, err := journal.Verify(v.Record.Files[record.Journal])
	must(w.t, err)
	for _, e := range entries {
		if authority, ok := strings.CutPrefix(e.Step, stepSign+" "); ok && e.Kind == journal.KindIntent {
			attempts[authority]++
		}
	}
	for _, i := range v.Issued {
		digest := pki384(i.Certificate.RawTBSCertificate)
		signatures := w.chip.Signed["9c "+digest]
		if signatures < 1 || signatures > attempts[i.Authority] {
			w.t.Errorf("%s: %d signatures over the certificate of %s, %d attempts in the journal", what, signatures, i.Authority, attempts[i.Authority])
		}
		made += signatures
	}
	all := 0
	for name, n := range w.chip.Signed {
		if strings.HasPrefix(name, "9c ") {
			all += n
		}
	}
	if all-before != made {
		w.t.Errorf("%s: the root key signed %d times, %d of them over what left", what, all-before, made)
	}
}

// everyPoint runs a ceremony once for each of its points, with an error there,
// and then to its end.
func everyPoint(t *testing.T, prepare func(w *world) *request.Request) {
	t.Helper()
	base := newWorld(t)
	r := prepare(base)
	before := rootSignatures(base.chip)
	for at := 1; ; at++ {
		w := base.again(t)
		c := &cutter{at: at, stop: func() error { return errCut }}
		o := w.options(r)
		o.Linter = noLint{}
		err := cutRun(o, w.chip, c)
		if c.point == "" {
			must(t, err)
			t.Logf("an error at each of %d points of the ceremony %s: resumed every time", at-1, r.Manifest.Ceremony)
			if at < 40 {
				t.Errorf("only %d points", at-1)
			}
			return
		}
		if err == nil && !strings.HasPrefix(c.point, "after") {
			t.Errorf("an error at %q was not noticed", c.point)
		}
		w.finished(fmt.Sprintf("an error at point %d, %s", at, c.point), r, before)
	}
}

// again is the world as it is now, with an empty stick.
func (w *world) again(t *testing.T) *world {
	t.Helper()
	state, err := json.Marshal(w.chip)
	must(t, err)
	out := &world{t: t, dir: t.TempDir(), now: w.now, chip: &chip{}}
	must(t, json.Unmarshal(state, out.chip))
	must(t, os.Mkdir(out.out(), 0o700))
	return out
}

func rootSignatures(c *chip) (n int) {
	for name, count := range c.Signed {
		if strings.HasPrefix(name, "9c ") {
			n += count
		}
	}
	return n
}

func foundingOf(w *world) *request.Request { return w.founding() }

func renewalOf(w *world) *request.Request { return w.renewal(w.hold(w.founding())) }

func TestPower_Errors(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	everyPoint(t, foundingOf)
	everyPoint(t, renewalOf)
}

// The environment of a child that kills itself.
const (
	envChild = "CEREMONY_TEST_DIR"
	envAt    = "CEREMONY_TEST_AT"
)

// TestMain is the process that TestPower_Killed kills, or one that looks at
// its machine, where the environment says so.
func TestMain(m *testing.M) {
	run := func() error { return child(os.Getenv(envChild), os.Getenv(envAt)) }
	switch {
	case os.Getenv(envNetwork) != "":
		run = inspectChild
	case os.Getenv(envChild) == "":
		os.Exit(inMemory(m))
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// inMemory runs the tests on a file system in memory: the ceremonies that they
// hold flush tens of thousands of times.
func inMemory(m *testing.M) int {
	dir, err := os.MkdirTemp("/dev/shm", "ceremony")
	if err != nil {
		return m.Run() // slower, and the same
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("TMPDIR", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// child walks the ceremony of a folder, and kills itself at a point.
func child(dir, point string) error {
	at, err := strconv.Atoi(point)
	if err != nil {
		return err
	}
	chip, err := loadChip(filepath.Join(dir, "chip.json"))
	if err != nil {
		return err
	}
	r, err := request.Open(filepath.Join(dir, "request"))
	if err != nil {
		return err
	}
	roots, err := Roots(r.Plan, true)
	if err != nil {
		return err
	}
	operator := script()
	return cutRun(Options{
		Request: r, Serial: rootToken, Out: filepath.Join(dir, "stick"), Operator: operator, Linter: noLint{},
		Open: chip.open(operator), Roots: roots, Now: r.Manifest.Created, Host: cleanHost(),
	}, chip, &cutter{at: at, stop: func() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }})
}

// TestPower_Killed cuts the power: what is left is what was on the disk and on
// the token at that instant.
func TestPower_Killed(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	for _, prepare := range []func(*world) *request.Request{foundingOf, renewalOf} {
		w := newWorld(t)
		r := prepare(w)
		w.chip.path = filepath.Join(w.dir, "chip.json")
		must(t, w.chip.save())
		must(t, os.Rename(r.Path, filepath.Join(w.dir, "request")))
		before := rootSignatures(w.chip)
		for at := 1; ; at++ {
			dir := t.TempDir()
			must(t, os.CopyFS(dir, os.DirFS(w.dir)))
			killed := runChild(t, dir, at)
			again := &world{t: t, dir: dir, now: w.now}
			var err error
			again.chip, err = loadChip(filepath.Join(dir, "chip.json"))
			must(t, err)
			again.finished(fmt.Sprintf("killed at point %d", at), r, before)
			if !killed {
				t.Logf("kill -9 at each of %d points of the ceremony %s: resumed every time", at-1, r.Manifest.Ceremony)
				break
			}
		}
	}
}

// runChild runs a ceremony in a process of its own and says whether it was
// killed.
func runChild(t *testing.T, dir string, at int) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+dir, envAt+"="+strconv.Itoa(at))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	t.Fatalf("child at point %d: %v\n%s", at, err, out)
	return false
}

// pki384 is the digest that the root's P-384 key signs.
func pki384(tbs []byte) string {
	sum := sha512.Sum384(tbs)
	return hex.EncodeToString(sum[:])
}
