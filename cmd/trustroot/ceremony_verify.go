package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/pki/lint"
)

type ceremonyVerifyOptions struct {
	*factory
	record    string
	rehearsal bool
}

func newCeremonyVerifyCmd(f *factory, run func(context.Context, *ceremonyVerifyOptions) error) *cobra.Command {
	o := &ceremonyVerifyOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "verify RECORD",
		Short: "Check a ceremony's record, claim by claim, with no token and no network",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.record = args[0]
			return run(c.Context(), o)
		},
	}
	rehearsalFlag(cmd, &o.rehearsal)
	return cmd
}

func runCeremonyVerify(_ context.Context, o *ceremonyVerifyOptions) error {
	verified, err := ceremony.Verify(o.record, ceremony.VerifyOptions{Linter: lint.New(), Rehearsal: o.rehearsal})
	if verified == nil {
		return err
	}
	return errors.Join(o.printClaims(verified), err)
}

func (f *factory) printClaims(v *ceremony.Verified) error {
	if f.json {
		return printJSON(f.out, v.Claims)
	}
	text := ""
	if v.Request.Plan.Rehearsal != nil {
		text = "REHEARSAL: the token is virtual and proves nothing.\n"
	}
	for _, c := range v.Claims {
		word, by := "proved   ", "by "
		if c.People {
			word, by = "believed ", "rests on "
		}
		text += fmt.Sprintf("%s%s\n         %s%s\n", word, c.Text, by, c.By)
	}
	return printText(f.out, text)
}
