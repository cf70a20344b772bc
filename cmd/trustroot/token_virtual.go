package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

type tokenVirtualOptions struct {
	*factory
	states   []string
	serial   uint32
	firmware string
	trace    bool
}

func newTokenVirtualCmd(f *factory, run func(context.Context, *tokenVirtualOptions) error) *cobra.Command {
	o := &tokenVirtualOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "virtual",
		Short: "Run a virtual YubiKey until interrupted, for trying things out",
		Long:  "Run a virtual YubiKey on a private PC/SC daemon until interrupted.\n\nIt prints the variable that lets other programs reach it. Several --state files give several tokens, with serial numbers counted up.",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	cmd.Flags().StringArrayVar(&o.states, "state", nil, "file that holds a token's keys; made where it is missing")
	cmd.Flags().Uint32Var(&o.serial, "serial", 0, "serial number of a new token; a random one where it is left away")
	cmd.Flags().StringVar(&o.firmware, "firmware", "", "firmware of a new token, such as 5.4.3; 5.7.4 where it is left away")
	cmd.Flags().BoolVar(&o.trace, "trace", false, "write a line for each exchange to standard error, without secrets")
	return cmd
}

func runTokenVirtual(ctx context.Context, o *tokenVirtualOptions) (err error) {
	if len(o.states) == 0 {
		return usage("name a file with --state; it is made where it is missing", "--state is missing")
	}
	if err := virtual.Missing(); err != nil {
		return err
	}
	var firmware [3]byte // zero: what the state file says
	if o.firmware != "" {
		var err error
		if firmware, err = virtual.ParseFirmware(o.firmware); err != nil {
			return usage("write it like 5.7.4", "--firmware: %w", err)
		}
	}
	var cards []*virtual.Card
	for i, state := range o.states {
		options := virtual.Options{Firmware: firmware, StateFile: state}
		if o.serial != 0 {
			options.Serial = o.serial + uint32(i)
		}
		if o.trace {
			options.Log = o.err
		}
		card, err := virtual.New(options)
		if err != nil {
			return err
		}
		cards = append(cards, card)
	}
	readers, err := virtual.Start(ctx, "", cards...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, readers.Close()) }()
	for _, c := range cards {
		o.progress("virtual YubiKey %d is plugged in; it protects nothing", c.Serial())
	}
	if err := printText(o.out, fmt.Sprintf("PCSCLITE_CSOCK_NAME=%s\n", readers.Socket())); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
