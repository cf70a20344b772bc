//go:build !cgo

package yubikey

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestNoCGO_EveryFunctionSaysSo(t *testing.T) {
	var token *Token
	ctx := context.Background()
	_, list := List(ctx)
	_, open := Open(ctx, 1, nil)
	_, again := Reopen(ctx, 1, nil)
	_, info := token.Info()
	_, slot := token.Slot("9c")
	_, generate := token.Generate("9c", KeyOptions{})
	_, attest := token.Attest("9c")
	_, signer := token.Signer("9c", nil)
	_, certificate := token.Certificate("9c")
	_, retries := token.Retries()
	for i, err := range []error{
		list, open, again, info, slot, generate, attest, signer, certificate, retries,
		token.Import("9c", KeyOptions{}, nil), token.Install("9c", nil), token.Provision(ProvisionOptions{}),
		token.Unblock(nil, nil), token.ChangePIN(nil, nil), token.Reset(),
		token.Provisionable(ProvisionOptions{}), token.Vacant("9c"),
	} {
		if !errors.Is(err, ErrNoPCSC) || fault.ExitCode(err) != int(fault.Device) || !strings.Contains(fault.Hint(err), "CGO_ENABLED=1") {
			t.Errorf("%d: got %v, hint %q", i, err, fault.Hint(err))
		}
	}
	if err := token.Close(); err != nil {
		t.Error(err)
	}
}
