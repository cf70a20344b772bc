// Package room rehearses the ceremony in the ceremony image: real kernel, real
// USB, real libccid and pcscd, no network. It boots the image in QEMU by UEFI
// and by BIOS, types over the serial console, pulls the token and the stick,
// cuts the power, and has the record checked on this machine. scripts/room-e2e
// runs it.
package room

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/programs"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/term"
)

func say(format string, args ...any) { fmt.Printf("ok    "+format+"\n", args...) }

// Variables of scripts/room-e2e.
const (
	imageVariable     = "TRUSTROOT_ROOM_IMAGE"      // the ceremony image
	dirVariable       = "TRUSTROOT_ROOM_DIR"        // new folder for trust directory, sticks and the consoles' log
	stickVariable     = "TRUSTROOT_ROOM_STICK"      // a stick's content with the image on it, or nothing
	testImageVariable = "TRUSTROOT_ROOM_TEST_IMAGE" // an image of scripts/image --test, or nothing
	picturesVariable  = "TRUSTROOT_ROOM_PICTURES"   // folder for pictures of the screen, or nothing
	nightlyVariable   = "TRUSTROOT_ROOM_NIGHTLY"    // twenty pulls and power cuts in place of three
)

// The founding ceremony, with everything going wrong that may.
func TestRoom_Founding(t *testing.T) {
	r := enter(t)
	must(t, os.WriteFile(r.start(), []byte(time.Now().Format(time.RFC3339Nano)), 0o600))
	r.pulls, r.cuts = []int{2, 19, 33}, []int{22, 30, 36}
	if os.Getenv(nightlyVariable) != "" {
		r.pulls, r.cuts = nil, nil
		for i := range 20 {
			r.pulls, r.cuts = append(r.pulls, 2+29*i/19), append(r.cuts, 22+14*i/19) // the more was done before, the fewer exchanges are left
		}
	}
	r.hold(t, "founding", (*room).found, func(o rehearsal.Options) (*rehearsal.Rehearsal, error) { return rehearsal.Run(t.Context(), o) })
}

// A signing ceremony with the token of the founding. It is another process,
// since libpcsclite asks only once where its daemon is.
func TestRoom_Signing(t *testing.T) {
	enter(t).hold(t, "renewal", (*room).sign, func(o rehearsal.Options) (*rehearsal.Rehearsal, error) {
		return rehearsal.Renew(t.Context(), o, []string{"fulcio"})
	})
}

// enter opens the room, or skips.
func enter(t *testing.T) *room {
	t.Helper()
	r := &room{
		image: os.Getenv(imageVariable), medium: cmp.Or(os.Getenv(stickVariable), os.Getenv(imageVariable)), dir: os.Getenv(dirVariable),
		testImage: os.Getenv(testImageVariable), pictures: os.Getenv(picturesVariable),
	}
	if r.image == "" {
		t.Skip("scripts/room-e2e builds the ceremony image and runs this")
	}
	must(t, rehearsal.MissingMachine())
	data, err := os.ReadFile(r.image)
	must(t, err)
	program := regexp.MustCompile(`"name": "trustroot", "hashes": \[{"alg": "SHA-256", "content": "([0-9a-f]{64})"}`).FindSubmatch(data)
	if program == nil {
		t.Fatalf("%s: no list of contents that names the program", r.image)
	}
	digest := sha256.Sum256(data)
	r.digest, r.program = hex.EncodeToString(digest[:]), string(program[1])
	must(t, os.MkdirAll(r.dir, 0o700))
	log, err := os.OpenFile(filepath.Join(r.dir, "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	t.Cleanup(func() { must(t, log.Close()) })
	r.log = log
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hold runs a rehearsal whose ceremony is held in the image, and has its record
// judged.
func (r *room) hold(t *testing.T, name string, ceremony func(*room, context.Context, rehearsal.Room) error, run func(rehearsal.Options) (*rehearsal.Rehearsal, error)) {
	t.Helper()
	o := rehearsal.Options{
		Out: filepath.Join(r.dir, "trust"), Now: r.now(), Progress: r.log, ImageSHA256: r.digest,
		Hold: func(ctx context.Context, given rehearsal.Room) error { return ceremony(r, ctx, given) },
	}
	o.Command = inProcess(o, r.log)
	begun, err := run(o)
	if err == nil {
		err = r.judge(t.Context(), o.Out, name)
	}
	if closed := begun.Close(); closed != nil {
		t.Error(closed)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// inProcess runs the commands of the admin host, answered by script.
func inProcess(o rehearsal.Options, log io.Writer) func(context.Context, ...string) ([]byte, error) {
	return func(ctx context.Context, args ...string) ([]byte, error) {
		var out bytes.Buffer
		f := &cmdutil.Factory{
			Out: &out, Err: log, Now: o.Now, Dir: o.Out,
			Operator: &term.Script{Out: log, Secrets: rehearsal.Secret},
		}
		root := programs.Trustroot(f)
		root.SetArgs(args)
		root.SetOut(&out)
		root.SetErr(log)
		err := root.ExecuteContext(ctx)
		return out.Bytes(), err
	}
}

// judge has the record checked by trustroot and by openssl alone.
func (r *room) judge(ctx context.Context, trust, name string) error {
	records, err := filepath.Glob(filepath.Join(trust, "ceremonies", "*-"+name+"*"))
	if err != nil || len(records) != 1 {
		return fmt.Errorf("records of %s: %v %w", name, records, err)
	}
	out, err := inProcess(rehearsal.Options{Out: trust, Now: r.now()}, r.log)(ctx, "ceremony", "verify", records[0], "--rehearsal")
	if err != nil {
		return err
	}
	for _, want := range []string{
		"the host ran the ceremony image with the SHA-256 " + r.digest,
		"its trustroot has the SHA-256 " + r.program,
	} {
		if !bytes.Contains(out, []byte(want)) {
			return fmt.Errorf("the record of %s does not say %q:\n%s", name, want, out)
		}
	}
	say("ceremony verify accepts the record of %s, which names image and program", name)
	audit, err := exec.CommandContext(ctx, filepath.Join("..", "..", "..", "scripts", "audit-record"), "--rehearsal", records[0]).CombinedOutput()
	if err != nil {
		return fmt.Errorf("scripts/audit-record: %w\n%s", err, audit)
	}
	say("scripts/audit-record accepts it too")
	return nil
}
