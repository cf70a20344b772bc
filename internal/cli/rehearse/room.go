package rehearse

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// stickSize is the size of the virtual stick in MiB.
const stickSize = 256

// roomOptions adds to a rehearsal that its ceremony is held by a person, in the
// ceremony image.
func (o *rehearseOptions) roomOptions(into *rehearsal.Options) error {
	if err := rehearsal.MissingMachine(); err != nil {
		return err
	}
	sum, err := digest.File(o.room)
	if err != nil {
		return fault.New(fault.Usage, "build the image with scripts/image and name it with --room", err)
	}
	into.ImageSHA256 = sum
	into.Hold = func(ctx context.Context, room rehearsal.Room) error {
		dir, err := os.MkdirTemp("", "trustroot-room-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a copy of the stick
		return o.holdInRoom(ctx, room, dir)
	}
	return nil
}

// holdInRoom runs the machine until it is switched off: in a window where there
// is a desktop, else with its console in this terminal.
func (o *rehearseOptions) holdInRoom(ctx context.Context, room rehearsal.Room, dir string) error {
	stick, socket := filepath.Join(dir, "stick.img"), filepath.Join(dir, "usb")
	if err := rehearsal.MakeStick(ctx, stick, room.Stick, stickSize); err != nil {
		return err
	}
	port, err := virtual.ListenUSB(ctx, "unix:"+socket, room.Cards[0])
	if err != nil {
		return err
	}
	defer port.Close() //nolint:errcheck // nothing is written
	r, err := request.Open(filepath.Join(room.Stick, room.Request))
	if err != nil {
		return err
	}
	o.Progress("%s", roomNotice(r.String()))
	m := rehearsal.Machine{Image: o.room, UEFI: true, Clock: o.Now, Sticks: []string{stick}, Tokens: []string{socket}}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		m.Extra = []string{"-display", "none", "-serial", "stdio"}
	}
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", m.Args()...) //nolint:gosec // the arguments are ours, the paths the person's
	qemu.Stdin, qemu.Stdout, qemu.Stderr = os.Stdin, os.Stderr, os.Stderr
	if err := qemu.Run(); err != nil {
		return fmt.Errorf("the machine: %w", err)
	}
	return rehearsal.ReadStick(ctx, stick, room.Stick)
}

// roomNotice is what a person must know before the machine starts. It takes the
// request as it is shown, which is escaped.
func roomNotice(shown string) term.Text {
	_, words, _ := strings.Cut(shown, "In numbered words:\n")
	return term.Text(term.Sprintf(`The machine starts now. Write this on paper first:

Words of the request:
%s
PIN of token %d: %s

Press Enter in the machine's window. In the menu choose "rehearse with a spare
token", then "power off". The rehearsal continues when the machine is off.`, term.Text(words), rehearsal.Serial, rehearsal.PIN))
}
