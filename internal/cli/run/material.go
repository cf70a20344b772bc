package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/cli/overview"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/inspection"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

type materialOptions struct {
	*cmdutil.Factory
	ledger.Material
	at        string
	file      string
	rehearsal bool
}

func newMaterialRecordCmd(f *cmdutil.Factory) *cobra.Command {
	o := &materialOptions{Factory: f}
	cmd := cmdutil.Command(o, runMaterialRecord, "record ITEM received|sealed|opened|moved|destroyed",
		"Record what happened to a token, a medium or a paper",
		`Record what happened to a token, a medium or a paper: that it was received, sealed
in a bag, opened, moved or destroyed, by which two people, and where it is now.
What does not fit is refused: a bag that is used twice, a bag that was never
closed, another bag than the one that was closed.

A token is called "token SERIAL"; other items have the names that you give them.`, &o.Item, &o.What)
	flags := cmd.Flags()
	flags.StringVar(&o.Bag, "bag", "", "number of the tamper-evident bag")
	flags.StringArrayVar(&o.By, "by", nil, "name of a person; give it twice")
	flags.StringVar(&o.Where, "where", "", "where the item is from now on")
	flags.StringVar(&o.at, "at", "", "when it happened (RFC 3339) (default: now)")
	flags.StringVar(&o.Ceremony, "ceremony", "", "ceremony on whose day it happened")
	flags.StringVar(&o.Note, "note", "", "anything else")
	return cmd
}

func runMaterialRecord(_ context.Context, o *materialOptions) error {
	var err error
	if o.At, err = cmdutil.Instant("--at", o.at, o.Now); err != nil {
		return err
	}
	if o.What == ledger.MaterialInspected {
		return cmdutil.Usage("run `trustroot-offline token inspect` where the token is, then `trustroot material inspected FILE`", "an inspection needs the token's statement")
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	return o.enter(d, o.Material)
}

// enter appends events together, all or none.
func (o *materialOptions) enter(d *trustdir.Dir, events ...ledger.Material) error {
	entries := make([]ledger.Entry, 0, len(events))
	for i := range events {
		entries = append(entries, ledger.Entry{Material: &events[i]})
	}
	if err := d.Append(o.Now, entries...); err != nil {
		return fault.New(fault.Usage, "nothing was recorded; correct what is wrong, or write an exception sheet if it is true", err)
	}
	overview.Rebuilt(o.Factory)
	for _, m := range events {
		o.Progress("recorded: %s", m.String())
	}
	return nil
}

func newMaterialInspectedCmd(f *cmdutil.Factory) *cobra.Command {
	o := &materialOptions{Factory: f}
	cmd := cmdutil.Command(o, runMaterialInspected, "inspected FILE",
		"Check a token's inspection and enter it into the ledger",
		`Check the statement that "token inspect" wrote: the attestation must chain to
Yubico, and the key must be one of the ledger's roots, on the token that its
ceremony used. The inspection, and the bags that were opened and closed, go into
the ledger, the statement into inspections/.`, &o.file)
	cmdutil.RehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runMaterialInspected(_ context.Context, o *materialOptions) error {
	data, err := cmdutil.ReadFile(o.file)
	if err != nil {
		return err
	}
	s, err := inspection.Parse(data)
	if err != nil {
		return fault.New(fault.Verification, "have the token inspected again with `token inspect`", err)
	}
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	roots, err := ceremony.Roots(d.Plan, o.rehearsal)
	if err != nil {
		return err
	}
	pub, err := s.Verify(roots)
	if err != nil {
		return err
	}
	key, err := pki.SPKISHA256(pub)
	if err != nil {
		return err
	}
	if !holds(d, s.Serial, key) {
		return fault.New(fault.Verification, "keep the token and the statement as evidence, and find out which key this is",
			fmt.Errorf("%s: token %d attests key %s, which is the key of no root that a ceremony made on that token", o.file, s.Serial, key))
	}
	item := ledger.TokenItem(s.Serial)
	name := fmt.Sprintf("inspections/%s-token-%d.json", s.At.UTC().Format("20060102T150405Z"), s.Serial)
	event := func(what, bag string) ledger.Material {
		return ledger.Material{Item: item, What: what, Bag: bag, By: s.By, Where: s.Where, At: s.At}
	}
	var events []ledger.Material
	if len(d.State.Material[item]) == 0 {
		received := event(ledger.MaterialReceived, "")
		received.Note = "in use before material was recorded"
		events = append(events, received)
	}
	if s.BagOpened != "" {
		if len(events) > 0 {
			events = append(events, event(ledger.MaterialSealed, s.BagOpened))
		}
		events = append(events, event(ledger.MaterialOpened, s.BagOpened))
	}
	seen := event(ledger.MaterialInspected, "")
	seen.Key, seen.PINTries, seen.PUKTries = key, s.PINTries, s.PUKTries
	file := trustdir.FileOf(name, data)
	seen.Statement = &file
	events = append(events, seen)
	if s.BagClosed != "" {
		events = append(events, event(ledger.MaterialSealed, s.BagClosed))
	}
	if err := d.WriteNew(trustdir.File{Name: name, Data: data}); err != nil {
		return err
	}
	return o.enter(d, events...)
}

// holds reports whether a ceremony made a root with this key on this token.
func holds(d *trustdir.Dir, serial uint32, key string) bool {
	return slices.ContainsFunc(d.State.Authorities[plan.RootAuthority], func(g ledger.Generation) bool {
		return g.Key() == key && d.Plan.Ceremonies[g.Certificate.Ceremony].Token == serial
	})
}

func newMaterialShowCmd(f *cmdutil.Factory) *cobra.Command {
	o := &materialOptions{Factory: f}
	return cmdutil.Command(o, runMaterialShow, "show", "List material: where each item is, in which bag, and its life", "")
}

func runMaterialShow(_ context.Context, o *materialOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	if o.JSON {
		return cmdutil.PrintJSON(o.Out, d.State.Material)
	}
	var b strings.Builder
	for _, item := range slices.Sorted(maps.Keys(d.State.Material)) {
		for _, m := range d.State.Material[item] {
			term.Fprintf(&b, "%s  %s\n", m.At.UTC().Format("2006-01-02 15:04"), m.String())
		}
		bag := ledger.Bag(d.State.Material[item])
		if life := d.State.Material[item]; bag == "" && life[len(life)-1].What != ledger.MaterialDestroyed {
			o.Progress("%s is in no bag", item)
		}
	}
	return cmdutil.PrintText(o.Out, b.String())
}
