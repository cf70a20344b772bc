package token

import (
	"context"
	"io"
	"slices"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// 4294967297 is 1 in 32 bits: another token's number.
func TestImport_SerialThatDoesNotFit(t *testing.T) {
	for args, want := range map[string][]uint32{"4294967295,7": {4294967295, 7}, "7,4294967297": nil} {
		var got []uint32
		cmd := newTokenImportCmd(&cmdutil.Factory{}, func(_ context.Context, o *tokenImportOptions) error {
			got = o.serials
			return nil
		})
		cmd.SetArgs([]string{"--serial", args})
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		err := cmd.Execute()
		if want == nil && fault.ExitCode(err) != int(fault.Usage) || want != nil && !slices.Equal(got, want) {
			t.Errorf("%s: got %d: %v", args, got, err)
		}
	}
}
