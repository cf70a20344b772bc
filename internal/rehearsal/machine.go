package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// Machine is a PC in QEMU that starts from the ceremony image and has no
// network. Its processor is emulated, so that it runs without /dev/kvm too.
type Machine struct {
	Image  string    // the ISO file
	UEFI   bool      // start by UEFI from a USB stick; else by BIOS from a disc
	Clock  time.Time // of the machine when it starts
	Sticks []string  // files with a FAT file system each
	Tokens []string  // usb-redir sockets of the tokens
	Bare   bool      // sticks and tokens are there, but not plugged in: see Plug
	Extra  []string  // more arguments
}

// firmware is OVMF as Debian packages it.
const firmware = "/usr/share/ovmf/OVMF.fd"

// Args are QEMU's arguments but for screen and consoles.
func (m Machine) Args() []string {
	args := []string{
		"-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", "640", "-smp", "1", "-nic", "none",
		"-rtc", "base=" + m.Clock.UTC().Format("2006-01-02T15:04:05"), "-device", "qemu-xhci,id=usb,p2=8,p3=8",
	}
	if m.UEFI {
		args = append(args, "-bios", firmware,
			"-drive", "if=none,id=image,format=raw,readonly=on,file="+m.Image,
			"-device", "usb-storage,bus=usb.0,drive=image,bootindex=0")
	} else {
		args = append(args, "-drive", "media=cdrom,format=raw,readonly=on,file="+m.Image, "-boot", "d")
	}
	for i, file := range m.Sticks {
		args = append(args, "-drive", fmt.Sprintf("if=none,id=stick%d,format=raw,file=%s", i, file))
	}
	for i, socket := range m.Tokens {
		args = append(args, "-chardev", fmt.Sprintf("socket,id=token%d,path=%s,reconnect=1", i, socket))
	}
	if !m.Bare {
		for _, device := range m.Plug() {
			args = append(args, "-device", device)
		}
	}
	return append(args, m.Extra...)
}

// Plug lists the sticks and tokens as QEMU's device_add takes them.
func (m Machine) Plug() []string {
	devices := make([]string, 0, len(m.Sticks)+len(m.Tokens))
	for i := range m.Sticks {
		devices = append(devices, fmt.Sprintf("usb-storage,bus=usb.0,id=s%d,drive=stick%d,removable=on", i, i))
	}
	for i := range m.Tokens {
		devices = append(devices, fmt.Sprintf("usb-redir,bus=usb.0,id=t%d,chardev=token%d", i, i))
	}
	return devices
}

// Programs that a machine and its sticks need, each with its Debian package.
var machinePrograms = map[string]string{"qemu-system-x86_64": "qemu-system-x86", "mformat": "mtools", "mcopy": "mtools"}

// MissingMachine returns nil when this machine can run another, or one error
// that names what it lacks.
func MissingMachine() error {
	for program := range machinePrograms {
		if _, err := exec.LookPath(program); err != nil {
			return fault.New(fault.Failure, "install it with: scripts/setup --image", fmt.Errorf("not installed: %s", program))
		}
	}
	if _, err := os.Stat(firmware); err != nil {
		return fault.New(fault.Failure, "install it with: scripts/setup --image", fmt.Errorf("not installed: %w", err))
	}
	return nil
}

// MakeStick makes a file of some MiB with a FAT file system, and the content
// of a folder in it.
func MakeStick(ctx context.Context, file, folder string, size int) error {
	if err := mtool(ctx, "mformat", "-C", "-i", file, "-T", fmt.Sprint(size*2048), "-h", "64", "-s", "32", "-v", "CEREMONY", "::"); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(names) == 0 {
		return err
	}
	return mtool(ctx, "mcopy", append(append([]string{"-s", "-Q", "-i", file}, names...), "::/")...)
}

// ReadStick brings what is on a stick into a folder, over what is there.
func ReadStick(ctx context.Context, file, folder string) error {
	return mtool(ctx, "mcopy", "-s", "-n", "-Q", "-i", file, "::/*", folder)
}

func mtool(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w", name, errors.Join(err, errors.New(strings.TrimSpace(string(out)))))
	}
	return nil
}

// Room is what a ceremony that is held in another machine finds there.
type Room struct {
	Stick   string          // folder whose content is on the stick; the record must come back into it
	Request string          // name of the request in it
	Record  string          // name that the record has when it is finished
	Cards   []*virtual.Card // the root's token, and that of a holder
}

// holdInRoom takes the tokens out of this machine's readers for as long as the
// ceremony lasts.
func holdInRoom(ctx context.Context, r *Rehearsal) error {
	errs := make([]error, 0, len(r.cards))
	for _, card := range r.cards {
		errs = append(errs, r.readers.Remove(card))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	err := r.Hold(ctx, Room{
		Stick:   r.in(stick),
		Request: filepath.Base(requestPath(r)),
		Record:  filepath.Base(recordPath(r)),
		Cards:   r.cards,
	})
	for _, card := range r.cards {
		err = errors.Join(err, r.readers.Insert(card))
	}
	return err
}
