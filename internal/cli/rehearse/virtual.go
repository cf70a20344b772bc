package rehearse

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

type tokenVirtualOptions struct {
	*cmdutil.Factory
	states   []string
	serial   uint32
	firmware string
	touch    string
	pullAt   int
	usb      []string
	roots    string
	trace    bool
}

func newTokenVirtualCmd(f *cmdutil.Factory) *cobra.Command {
	o := &tokenVirtualOptions{Factory: f}
	cmd := cmdutil.Command(o, runTokenVirtual, "virtual",
		"Run a virtual YubiKey until interrupted, for trying things out",
		"Run a virtual YubiKey on a private PC/SC daemon until interrupted.\n\nIt prints the variable that lets other programs reach it. Its driver, vpcd,\nlistens on every network interface. Several --state files give several tokens of one maker, with serial numbers counted up.")
	cmd.Flags().StringArrayVar(&o.states, "state", nil, "file that holds a token's keys; made where it is missing")
	cmd.Flags().Uint32Var(&o.serial, "serial", 0, "serial number of a new token (default: a random one)")
	cmd.Flags().StringVar(&o.firmware, "firmware", "", "firmware of a new token, such as 5.4.3 (default: 5.7.4)")
	cmd.Flags().StringVar(&o.touch, "touch", "", "how it is touched: never, refused, or after a time such as 2s (default: at once)")
	cmd.Flags().IntVar(&o.pullAt, "pull-at", 0, "pull the first token out at this exchange, counted from 1, and put it back a second later")
	cmd.Flags().StringArrayVar(&o.usb, "usb-redir", nil, "serve the token as a USB device at HOST:PORT or unix:PATH, for QEMU's usb-redir device; one for each --state")
	cmd.Flags().StringVar(&o.roots, "attestation-roots", "", "file to write the maker's certificates to, which the plan of a rehearsal pins")
	cmd.Flags().BoolVar(&o.trace, "trace", false, "write a line for each exchange to standard error, serial number first and without secrets")
	return cmd
}

func runTokenVirtual(ctx context.Context, o *tokenVirtualOptions) (err error) {
	if len(o.states) == 0 {
		return cmdutil.Usage("name a file with --state; it is made where it is missing", "--state is missing")
	}
	if len(o.usb) > 0 && len(o.usb) != len(o.states) {
		return cmdutil.Usage("name one address for each --state", "%d addresses for %d tokens", len(o.usb), len(o.states))
	}
	if err := virtual.Missing(); err != nil && len(o.usb) == 0 {
		return err
	}
	var firmware [3]byte // zero: what the state file says
	if o.firmware != "" {
		var err error
		if firmware, err = virtual.ParseFirmware(o.firmware); err != nil {
			return cmdutil.Usage("write it like 5.7.4", "--firmware: %w", err)
		}
	}
	touch, err := parseTouch(o.touch)
	if err != nil {
		return err
	}
	pulled := make(chan struct{})
	_, err = os.Lstat(o.states[0])
	fresh := errors.Is(err, fs.ErrNotExist) // a loaded token's maker is gone
	var cards []*virtual.Card
	for i, state := range o.states {
		options := virtual.Options{Firmware: firmware, StateFile: state, Touch: touch}
		if i > 0 && fresh {
			options.Sibling = cards[0]
		}
		if o.serial != 0 {
			options.Serial = o.serial + uint32(i)
		}
		if i == 0 && o.pullAt > 0 {
			options.Faults = []virtual.Fault{{At: o.pullAt, Kind: virtual.FaultRemoved}}
			options.OnExchange = func(n int, _ byte) {
				if n == o.pullAt {
					close(pulled)
				}
			}
		}
		trace := &tagged{w: o.Err}
		if o.trace {
			options.Log = trace
		}
		card, err := virtual.New(options)
		if err != nil {
			return err
		}
		trace.tag = fmt.Sprintf("%d\t", card.Serial())
		cards = append(cards, card)
	}
	if o.roots != "" {
		text, err := pki.EncodeCertificates(append([]*x509.Certificate{cards[0].AttestationRoot()}, cards[0].AttestationIntermediates()...))
		if err != nil {
			return err
		}
		if err := durable.Replace(o.roots, text, 0o644); err != nil {
			return err
		}
	}
	if len(o.usb) > 0 {
		return o.serveUSB(ctx, cards, pulled)
	}
	readers, err := virtual.Start(ctx, "", cards...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, readers.Close()) }()
	for _, c := range cards {
		o.Progress("virtual YubiKey %d is plugged in; it protects nothing", c.Serial())
	}
	if err := cmdutil.PrintText(o.Out, fmt.Sprintf("PCSCLITE_CSOCK_NAME=%s\n", readers.Socket())); err != nil {
		return err
	}
	return o.putBack(ctx, pulled, cards[0], readers.Insert)
}

// putBack waits for the end, and inserts a card a second after it was pulled out.
func (o *tokenVirtualOptions) putBack(ctx context.Context, pulled <-chan struct{}, card *virtual.Card, insert func(*virtual.Card) error) error {
	select {
	case <-ctx.Done():
		return nil
	case <-pulled:
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(time.Second):
	}
	if err := insert(card); err != nil {
		return err
	}
	o.Progress("virtual YubiKey %d was pulled out and is plugged in again", card.Serial())
	<-ctx.Done()
	return nil
}

// serveUSB serves each token at its own address.
func (o *tokenVirtualOptions) serveUSB(ctx context.Context, cards []*virtual.Card, pulled <-chan struct{}) error {
	var ports []*virtual.USB
	for i, card := range cards {
		port, err := virtual.ListenUSB(ctx, o.usb[i], card)
		if err != nil {
			return err
		}
		defer port.Close() //nolint:errcheck,gocritic // every port is open until the command ends, and nothing is written
		ports = append(ports, port)
		o.Progress("virtual YubiKey %d waits for a machine at %s; it protects nothing", card.Serial(), o.usb[i])
	}
	return o.putBack(ctx, pulled, cards[0], func(c *virtual.Card) error { ports[0].Insert(c); return nil })
}

// parseTouch reads how a virtual token is touched.
func parseTouch(text string) (virtual.Touch, error) {
	switch text {
	case "":
		return virtual.Touch{}, nil
	case "never":
		return virtual.Touch{Mode: virtual.TouchAbsent}, nil
	case "refused":
		return virtual.Touch{Mode: virtual.TouchRefused}, nil
	}
	delay, err := time.ParseDuration(text)
	if err != nil || delay < 0 {
		return virtual.Touch{}, cmdutil.Usage("write never, refused, or a time such as 2s", "--touch %q", text)
	}
	return virtual.Touch{Mode: virtual.TouchDelayed, Delay: delay}, nil
}

// tagged begins each line with a tag. Every write is a line.
type tagged struct {
	w   io.Writer
	tag string
}

func (t *tagged) Write(line []byte) (int, error) {
	if _, err := t.w.Write(append([]byte(t.tag), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}
