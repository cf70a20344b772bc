// Package room rehearses the ceremony in the ceremony image: real kernel, real
// USB, real libccid and pcscd, no network. It boots the image in QEMU by UEFI
// and by BIOS, types over the serial console, pulls the token and the stick,
// cuts the power, and has the record checked on this machine. scripts/room-e2e
// runs it.
package room

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	imageVariable    = "TRUSTROOT_ROOM_IMAGE"    // the ceremony image
	dirVariable      = "TRUSTROOT_ROOM_DIR"      // new folder for trust directory, sticks and the consoles' log
	picturesVariable = "TRUSTROOT_ROOM_PICTURES" // folder for pictures of the screen, or nothing
	nightlyVariable  = "TRUSTROOT_ROOM_NIGHTLY"  // twenty pulls and power cuts in place of three
)

func TestRoom(t *testing.T) {
	image, dir := os.Getenv(imageVariable), os.Getenv(dirVariable)
	if image == "" {
		t.Skip("scripts/room-e2e builds the ceremony image and runs this")
	}
	if err := rehearsal.MissingMachine(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "console.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	digest := sha256.Sum256(data)
	r := &room{
		image: image, digest: hex.EncodeToString(digest[:]), dir: dir, pictures: os.Getenv(picturesVariable), log: log,
		pulls: []int{2, 19, 33}, cuts: []int{22, 30, 36},
	}
	if os.Getenv(nightlyVariable) != "" {
		r.pulls, r.cuts = nil, nil
		for i := range 20 {
			r.pulls, r.cuts = append(r.pulls, 1+2*i), append(r.cuts, 20+i)
		}
	}
	o := rehearsal.Options{
		Out: filepath.Join(dir, "trust"), Now: time.Now(), Progress: log,
		ImageSHA256: r.digest, Hold: r.found,
	}
	o.Command = inProcess(o, log)
	r.day(t, "founding", o, func() (*rehearsal.Rehearsal, error) { return rehearsal.Run(t.Context(), o) })
	o.Now, o.Hold = time.Now(), r.sign
	o.Command = inProcess(o, log)
	r.day(t, "renewal", o, func() (*rehearsal.Rehearsal, error) { return rehearsal.Renew(t.Context(), o, []string{"fulcio"}) })
}

// day runs a rehearsal whose ceremony is held in the image, and has its record
// judged.
func (r *room) day(t *testing.T, name string, o rehearsal.Options, run func() (*rehearsal.Rehearsal, error)) {
	t.Helper()
	begun, err := run()
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
	out, err := inProcess(rehearsal.Options{Out: trust, Now: time.Now()}, r.log)(ctx, "ceremony", "verify", records[0], "--rehearsal")
	if err != nil {
		return err
	}
	if !bytes.Contains(out, []byte("the host ran the ceremony image with the SHA-256 "+r.digest)) {
		return fmt.Errorf("the record of %s does not name the image %s:\n%s", name, r.digest, out)
	}
	say("ceremony verify accepts the record of %s, which names image and program", name)
	audit, err := exec.CommandContext(ctx, filepath.Join("..", "..", "..", "scripts", "audit-record"), "--rehearsal", records[0]).CombinedOutput()
	if err != nil {
		return fmt.Errorf("scripts/audit-record: %w\n%s", err, audit)
	}
	say("scripts/audit-record accepts it too")
	return nil
}
