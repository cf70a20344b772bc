package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

type tokenListOptions struct{ *factory }

func newTokenListCmd(f *factory, run func(context.Context, *tokenListOptions) error) *cobra.Command {
	o := &tokenListOptions{factory: f}
	return &cobra.Command{
		Use:   "list",
		Short: "Show every YubiKey that is plugged in",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
}

func runTokenList(ctx context.Context, o *tokenListOptions) error {
	found, err := yubikey.List(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, found)
	}
	if len(found) == 0 {
		o.progress("no YubiKey is plugged in")
		return nil
	}
	for _, i := range found {
		if err := printToken(o.out, i); err != nil {
			return err
		}
	}
	return nil
}

type tokenInfoOptions struct {
	*factory
	serial uint32
}

func newTokenInfoCmd(f *factory, run func(context.Context, *tokenInfoOptions) error) *cobra.Command {
	o := &tokenInfoOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Show one YubiKey: slots, policies, warnings",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return run(c.Context(), o) },
	}
	serialFlag(cmd, &o.serial)
	return cmd
}

func runTokenInfo(ctx context.Context, o *tokenInfoOptions) error {
	if o.serial == 0 {
		_, err := o.openToken(ctx, 0)
		return err
	}
	found, err := yubikey.List(ctx)
	if err != nil {
		return err
	}
	for _, i := range found {
		if i.Identity.Serial != o.serial {
			continue
		}
		if o.json {
			return printJSON(o.out, i)
		}
		return printToken(o.out, i)
	}
	return fault.New(fault.Device, "see which are there with `trustroot token list`",
		fmt.Errorf("no YubiKey with serial number %d is plugged in", o.serial))
}

func printToken(out io.Writer, i yubikey.Info) error {
	style := term.StyleFor(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tfirmware %s\t%s\n", style.Bold(fmt.Sprintf("YubiKey %d", i.Identity.Serial)), i.Identity.Firmware, i.Identity.FormFactor) //nolint:errcheck // Flush reports it
	if i.Problem != nil {
		fmt.Fprintf(w, "  %s\n", style.Bad(i.Problem.Error())) //nolint:errcheck // Flush reports it
	} else {
		fmt.Fprintf(w, "  tries left\tPIN %d\tPUK %d\n", i.PINRetries, i.PUKRetries) //nolint:errcheck // Flush reports it
	}
	for _, s := range i.Slots {
		certificate := "no certificate"
		if s.Certificate != nil {
			certificate = s.Certificate.Subject.String() + ", until " + s.Certificate.NotAfter.UTC().Format(time.DateOnly)
		}
		key := "no key"
		if !s.Empty {
			key = fmt.Sprintf("%s %s, PIN %s, touch %s", s.Algorithm, s.Origin, s.PINPolicy, s.TouchPolicy)
		}
		fmt.Fprintf(w, "  slot %s\t%s\t%s\n", s.Slot, key, certificate) //nolint:errcheck // Flush reports it
	}
	for _, text := range i.Warnings {
		fmt.Fprintf(w, "  %s %s\n", style.Warn("warning:"), text) //nolint:errcheck // Flush reports it
	}
	return w.Flush()
}
