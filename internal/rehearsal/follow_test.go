package rehearsal

import (
	"context"
	"strings"
	"testing"
)

func TestFollows_RefusesWhatDoesNotWait(t *testing.T) {
	r := &Rehearsal{Options: Options{Waits: func(context.Context, string) ([]string, error) {
		return []string{"trustroot --dir r kms csr", "trustroot-offline tuf sign staged/0001 --serial 1"}, nil
	}}}
	for args, want := range map[string]bool{
		"kms csr fulcio": true, "--json kms csr": true, "tuf sign staged/0001": true, "token info": true, "trusted-root build": true,
		"kms create": false, "tuf stage": false, "cutover fulcio": false,
	} {
		if err := follows(t.Context(), r, strings.Fields(args)); (err == nil) != want {
			t.Errorf("%s: %v", args, err)
		}
	}
}
