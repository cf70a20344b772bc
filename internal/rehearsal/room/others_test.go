package room

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// testImageVariable names an image of scripts/image --test: OpenSC and a
// network driver are in it.
const testImageVariable = "TRUSTROOT_ROOM_TEST_IMAGE"

var (
	askShell = regexp.MustCompile(`Type "shell" to open it:`)
	shell    = regexp.MustCompile(`ceremony# `)
	seen     = regexp.MustCompile(`Yes +Yubico YubiKey CCID[\s\S]*Personal Identity Verification Card`)
	network  = regexp.MustCompile(`network interfaces are up: eth0`)
)

// A network card that has a driver is refused, and a program that others wrote
// sees the token through the guest's own USB stack.
func TestRoom_TestImage(t *testing.T) {
	image, dir := os.Getenv(testImageVariable), os.Getenv(dirVariable)
	if image == "" {
		t.Skip("scripts/room-e2e --nightly builds the test image and runs this")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "console-test.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r := &room{image: image, dir: dir, log: log}
	held := false
	o := rehearsal.Options{Out: filepath.Join(dir, "trust-test"), Now: time.Now(), Progress: log}
	o.Command = inProcess(o, log)
	o.Hold = func(ctx context.Context, given rehearsal.Room) error {
		held = true
		if err := r.enter(ctx, given); err != nil {
			return err
		}
		defer r.port.Close()
		g, err := r.boot(ctx, false, "", "-device", "e1000,id=card")
		if err != nil {
			return err
		}
		defer g.kill()
		if err := g.enter("s"); err != nil {
			return err
		}
		for _, next := range []struct {
			want  *regexp.Regexp
			typed string
		}{
			{askShell, "shell"},
			{shell, "opensc-tool --list-readers; opensc-tool --name"},
			{seen, ""},
			{shell, "exit"},
			{menu, "2"},
			{askSerial, "32000001"},
			{network, ""},
		} {
			if _, _, err := g.wait(patience, next.want); err != nil {
				return err
			}
			if next.typed == "" {
				say("the console shows %s", next.want)
				continue
			}
			if err := g.enter(next.typed); err != nil {
				return err
			}
		}
		return errGone
	}
	begun, err := rehearsal.Run(t.Context(), o)
	if closed := begun.Close(); closed != nil {
		t.Error(closed)
	}
	if !held || err == nil || !regexp.MustCompile(errGone.Error()).MatchString(err.Error()) {
		t.Fatal(err)
	}
}
