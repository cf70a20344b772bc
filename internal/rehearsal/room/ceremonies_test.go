package room

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/rehearsal"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// room is what the cases share.
type room struct {
	image, digest, dir, pictures string
	log                          io.Writer
	pulls                        []int // exchanges after the start of a run at which the token is pulled
	cuts                         []int // exchanges, each between two writes of the journal, at which the power is cut
	boots                        int

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
	if err := rehearsal.MakeStick(ctx, r.stick, given.Stick, 160); err != nil {
		return err
	}
	r.usb = filepath.Join(r.dir, given.Record+".usb")
	r.port, err = virtual.ListenUSB(ctx, "unix:"+r.usb, given.Cards[0])
	return err
}

// boot starts the machine and reaches its menu.
func (r *room) boot(ctx context.Context, uefi bool, typed string, extra ...string) (*guest, error) {
	r.boots++
	m := rehearsal.Machine{
		Image: r.image, UEFI: uefi, Clock: time.Now(), Sticks: []string{r.stick}, Tokens: []string{r.usb}, Extra: extra,
	}
	g, err := boot(ctx, fmt.Sprintf("boot%d", r.boots), r.dir, m, r.log)
	if err != nil {
		return nil, err
	}
	g.request = strings.TrimSuffix(r.Request, ".tar") // the folder beside it
	if err := g.reach(typed); err != nil {
		g.kill()
		return nil, err
	}
	how := "BIOS from a disc"
	if uefi {
		how = "UEFI from a USB stick"
	}
	say("%-64s %s", "boot by "+how+", to the menu", time.Since(g.began).Round(time.Second))
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
	g, err := r.boot(ctx, true, time.Now().Add(24*time.Hour).UTC().Format("2006-01-02 15:04"), "-device", "e1000,id=card")
	if err != nil {
		return err
	}
	defer func() { g.kill() }()
	if err := g.picture(r, "menu"); err != nil {
		return err
	}
	if err := g.wants("the clock a day ahead: refused", r.words, 2); err != nil {
		return err
	}
	if err := g.setClock(); err != nil {
		return err
	}
	r.port.Insert(given.Cards[1])
	if err := g.wants("another token: refused by its serial number", r.words, 4); err != nil {
		return err
	}
	r.port.Insert(given.Cards[0])
	root := given.Cards[0]
	for _, n := range r.pulls {
		root.SetFaults(virtual.Fault{At: root.Exchanges() + n, Kind: virtual.FaultRemoved})
		if err := g.wants(fmt.Sprintf("the token pulled at exchange %d of this run", n), r.words, 4); err != nil {
			return err
		}
		root.SetFaults()
		r.port.Insert(root)
	}
	if err := r.pullStick(g); err != nil {
		return err
	}
	for _, n := range r.cuts {
		go cutAt(g, root, root.Exchanges()+n)
		if _, err := g.ceremony(r.words); !errors.Is(err, errGone) {
			return fmt.Errorf("power cut at exchange %d: the machine lives: %w", n, err)
		}
		say("the power cut at exchange %d of this run, between two writes of the journal", n)
		if g, err = r.boot(ctx, false, ""); err != nil {
			return err
		}
	}
	if err := g.wants("the same item again: the founding ceremony is resumed to its end", r.words, 0); err != nil {
		return err
	}
	if err := g.powerOff(); err != nil {
		return err
	}
	say("the machine switched itself off")
	return r.leave(ctx)
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
	if err := g.wants("the stick pulled while the journal is written", r.words, failure); err != nil {
		return err
	}
	if err := <-pulled; err != nil {
		return err
	}
	for _, command := range []string{
		"drive_add 0 if=none,id=stick0,format=raw,file=" + r.stick,
		"device_add usb-storage,bus=usb.0,id=s0,drive=stick0,removable=on",
	} {
		said, err := g.ask(command)
		if err != nil || strings.Contains(said, "Error") {
			return fmt.Errorf("%s: %s %w", command, said, err)
		}
	}
	time.Sleep(3 * time.Second)
	return nil
}

// sign is the signing ceremony with the same token, when all goes well.
func (r *room) sign(ctx context.Context, given rehearsal.Room) error {
	if err := r.enter(ctx, given); err != nil {
		return err
	}
	g, err := r.boot(ctx, false, "")
	if err != nil {
		return err
	}
	defer func() { g.kill() }()
	began := time.Now()
	if err := g.wants("a signing ceremony with the same token", r.words, 0); err != nil {
		return err
	}
	say("it took %s", time.Since(began).Round(time.Second))
	if err := g.powerOff(); err != nil {
		return err
	}
	return r.leave(ctx)
}

// setClock sets the clock right in the menu.
func (g *guest) setClock() error {
	if err := g.enter("7"); err != nil {
		return err
	}
	if _, _, err := g.wait(patience, clockRight); err != nil {
		return err
	}
	if err := g.enter(time.Now().UTC().Format("2006-01-02 15:04")); err != nil {
		return err
	}
	_, _, err := g.wait(patience, menu)
	return err
}

// picture keeps what the screen shows, where a folder for pictures was named.
func (g *guest) picture(r *room, name string) error {
	if r.pictures == "" {
		return nil
	}
	_, err := g.ask("screendump " + filepath.Join(r.pictures, name+".ppm"))
	return err
}
