package room

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

const (
	stickSize = 160                // MiB
	typedTime = "2006-01-02 15:04" // as the menu wants it
)

// room is what the cases share.
type room struct {
	image, medium, digest, program, testImage, dir, pictures string
	log                                                      io.Writer
	pulls                                                    []int // exchanges after the start of a run at which the token is pulled
	cuts                                                     []int // exchanges, each between two writes of the journal, at which the power is cut
	boots                                                    int

	rehearsal.Room
	words []string
	port  *virtual.USB
	stick string
	usb   string // the port's socket
}

// enter prepares stick and token of a ceremony.
func (r *room) enter(ctx context.Context, given rehearsal.Room) error {
	r.Room = given
	opened, err := request.Open(filepath.Join(given.Stick, given.Request))
	if err != nil {
		return err
	}
	digest := opened.Digest()
	r.words = strings.Fields(pki.Words(digest[:]))
	r.stick = filepath.Join(r.dir, given.Record+".img")
	if err := rehearsal.MakeStick(ctx, r.stick, given.Stick, stickSize); err != nil {
		return err
	}
	r.usb = filepath.Join(r.dir, given.Record+".usb")
	r.port, err = virtual.ListenUSB(ctx, "unix:"+r.usb, given.Cards[0])
	return err
}

// machine is the PC that the cases have in common.
func (r *room) machine(extra ...string) rehearsal.Machine {
	return rehearsal.Machine{Image: r.image, Clock: r.now(), Sticks: []string{r.stick}, Tokens: []string{r.usb}, Extra: extra}
}

// now is the guests' time: a few hours ago, where midnight in the middle would
// make it another day than the plan's.
func (r *room) now() time.Time {
	text, err := os.ReadFile(r.start())
	began, wrong := time.Parse(time.RFC3339Nano, string(text))
	if err = errors.Join(err, wrong); err != nil {
		panic(err)
	}
	now := time.Now().UTC()
	if began.UTC().Hour() >= 20 {
		now = now.Add(-4 * time.Hour)
	}
	return now
}

// start is the file that says when the founding began.
func (r *room) start() string { return filepath.Join(r.dir, "began") }

// boot starts a machine and reaches its menu; the time is typed where it is not
// left as it is.
func (r *room) boot(ctx context.Context, m rehearsal.Machine, typed string) (*guest, error) {
	g, err := r.launch(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := g.reach(typed); err != nil {
		g.kill()
		return nil, err
	}
	how := "BIOS from a disc"
	if m.UEFI {
		how = "UEFI from a USB stick"
	}
	say("%-64s %s", "boot by "+how+", to the menu", g.cost())
	return g, nil
}

func (r *room) launch(ctx context.Context, m rehearsal.Machine) (*guest, error) {
	r.boots++
	g, err := boot(ctx, fmt.Sprintf("boot%d", r.boots), r.dir, m, r.log)
	if err != nil {
		return nil, err
	}
	g.request = strings.TrimSuffix(r.Request, ".tar") // the folder beside it
	return g, nil
}

// save boots by BIOS, with nothing plugged in, and keeps the machine as it
// stands at its menu.
func (r *room) save(ctx context.Context) error {
	m := r.machine()
	m.Bare = true
	g, err := r.boot(ctx, m, "")
	if err != nil {
		return err
	}
	defer g.kill()
	return g.do("stop", "migrate \"exec:cat > "+r.saved()+"\"")
}

func (r *room) saved() string { return filepath.Join(r.dir, "menu.vm") }

// again is a machine that was booted by BIOS: it stands at its menu; stick and
// token are plugged in, and the clock is set as on every day.
func (r *room) again(ctx context.Context) (*guest, error) {
	m := r.machine("-incoming", "exec:cat "+r.saved())
	m.Bare = true
	g, err := r.launch(ctx, m)
	if err != nil {
		return nil, err
	}
	err = g.loaded()
	for _, device := range m.Plug() {
		err = errors.Join(err, g.do("device_add "+device))
	}
	if err = errors.Join(err, r.setClock(g)); err != nil {
		g.kill()
		return nil, err
	}
	return g, nil
}

// leave brings the record back.
func (r *room) leave(ctx context.Context) error {
	if err := r.port.Close(); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(r.Stick, r.Record)); err != nil {
		return err
	}
	return rehearsal.ReadStick(ctx, r.stick, r.Stick)
}

// found is the founding ceremony, with everything going wrong that may: each
// time the same menu item resumes it.
func (r *room) found(ctx context.Context, given rehearsal.Room) error {
	if err := r.enter(ctx, given); err != nil {
		return err
	}
	if err := r.save(ctx); err != nil {
		return err
	}
	m := r.machine("-device", "pcie-root-port,id=behind,chassis=1")
	m.UEFI, m.Image = true, r.medium
	g, err := r.boot(ctx, m, r.now().Add(24*time.Hour).Format(typedTime))
	if err != nil {
		return err
	}
	defer func() { g.kill() }()
	if err := r.faults(g); err != nil {
		return err
	}
	for _, n := range r.cuts {
		go cutAt(g, given.Cards[0], given.Cards[0].Exchanges()+n)
		if _, err := g.ceremony(r.words); !errors.Is(err, errGone) {
			return fmt.Errorf("power cut at exchange %d: the machine lives: %w", n, err)
		}
		say("the power cut at exchange %d of this run, between two writes of the journal", n)
		if g, err = r.again(ctx); err != nil {
			return err
		}
	}
	if err := g.wants("the same item again: the founding ceremony is resumed to its end", r.words, 0, ""); err != nil {
		return err
	}
	if err := g.powerOff(); err != nil {
		return err
	}
	say("the machine switched itself off")
	return r.leave(ctx)
}

// faults are what goes wrong while the machine runs on.
func (r *room) faults(g *guest) error {
	root := r.Cards[0]
	if err := g.wants("the clock a day ahead: refused", r.words, 2, "this machine's clock says"); err != nil {
		return err
	}
	if err := r.setClock(g); err != nil {
		return err
	}
	if err := g.do("device_add e1000,bus=behind,id=card"); err != nil {
		return err
	}
	if err := g.wants("a network card without a driver: refused", r.words, 2, "8086:100e (no driver)"); err != nil {
		return err
	}
	if err := g.gone("card"); err != nil {
		return err
	}
	r.port.Insert(r.Cards[1])
	if err := g.wants("another token: refused by its serial number", r.words, 4, "no token with serial number"); err != nil {
		return err
	}
	r.port.Insert(root)
	for _, n := range r.pulls {
		root.SetFaults(virtual.Fault{At: root.Exchanges() + n, Kind: virtual.FaultRemoved})
		if err := g.wants(fmt.Sprintf("the token pulled at exchange %d of this run", n), r.words, 4, ""); err != nil {
			return err
		}
		root.SetFaults()
		r.port.Insert(root)
	}
	if err := r.pullStick(g); err != nil {
		return err
	}
	return r.fillStick(g)
}

// cutAt cuts the power when the token has seen n exchanges: before each the
// journal holds what is about to happen, and after it what did.
func cutAt(g *guest, card *virtual.Card, n int) {
	for card.Exchanges() < n {
		select {
		case <-g.exited:
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
	g.kill()
}

// pullStick pulls the stick out while the record is written, and puts it back.
func (r *room) pullStick(g *guest) error {
	root := r.Cards[0]
	pulled := make(chan error, 1)
	start := root.Exchanges()
	go func() {
		for root.Exchanges() < start+24 {
			time.Sleep(5 * time.Millisecond)
		}
		_, err := g.ask("device_del s0")
		pulled <- err
	}()
	if err := g.wants("the stick pulled while the journal is written", r.words, failure, ""); err != nil {
		return err
	}
	if err := <-pulled; err != nil {
		return err
	}
	return r.plugStick(g)
}

// plugStick puts the stick back that was pulled.
func (r *room) plugStick(g *guest) error {
	for range int(patience / time.Second) {
		// an error says that the pulled one is still held; it lets go in its time
		if _, err := g.ask("drive_add 0 if=none,id=stick0,format=raw,file=" + r.stick); err != nil {
			return err
		}
		if g.do("device_add "+r.machine().Plug()[0]) == nil {
			return nil
		}
		time.Sleep(time.Second)
	}
	return fmt.Errorf("%s: the stick cannot be plugged in again", g.name)
}

// fillStick brings the stick back full, and then as it was.
func (r *room) fillStick(g *guest) error {
	filler := filepath.Join(r.dir, "filler")
	if err := os.WriteFile(filler, make([]byte, (stickSize-50)<<20), 0o600); err != nil {
		return err
	}
	for _, step := range []struct{ change, what, text string }{
		{"mcopy -i " + r.stick + " " + filler + " ::/", "the stick almost full: refused", "MiB free"},
		{"mdel -i " + r.stick + " ::/filler", "", ""},
	} {
		if err := g.gone("s0"); err != nil {
			return err
		}
		args := strings.Fields(step.change)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", step.change, err, out)
		}
		if err := r.plugStick(g); err != nil {
			return err
		}
		if step.what == "" {
			continue
		}
		if err := g.wants(step.what, r.words, 2, step.text); err != nil {
			return err
		}
	}
	return nil
}

// sign is the signing ceremony with the same token, when all goes well; before
// it others look at the token.
func (r *room) sign(ctx context.Context, given rehearsal.Room) error {
	if err := r.enter(ctx, given); err != nil {
		return err
	}
	if r.testImage != "" {
		if err := r.others(ctx); err != nil {
			return err
		}
	}
	g, err := r.again(ctx)
	if err != nil {
		return err
	}
	defer func() { g.kill() }()
	began := time.Now()
	if err := g.wants("a signing ceremony with the same token", r.words, 0, ""); err != nil {
		return err
	}
	say("it took %s", time.Since(began).Round(time.Second))
	if err := g.powerOff(); err != nil {
		return err
	}
	return r.leave(ctx)
}

// setClock sets the clock right in the menu.
func (r *room) setClock(g *guest) error {
	if err := g.enter("7"); err != nil {
		return err
	}
	if _, _, err := g.wait(patience, clockRight); err != nil {
		return err
	}
	if err := g.enter(r.now().Format(typedTime)); err != nil {
		return err
	}
	_, _, err := g.wait(patience, menu)
	return err
}
