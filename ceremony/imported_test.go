package ceremony

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/yubikey"
)

func TestImported_RestsOnPeople(t *testing.T) {
	w := newWorld(t)
	w.plan = strings.Replace(w.plan, "rehearsal:\n", "exceptions:\n  - name: imported-root\n    reason: a key on two tokens\nrehearsal:\n", 1)
	r := w.founding()
	_, err := Run(context.Background(), w.options(r))
	refused(t, err, fault.Device, "slot 9c of token 10000001 is empty")
	if len(w.chip.Keys) != 0 {
		t.Fatal("a key was made")
	}
	d, err := w.chip.open(script())(context.Background(), rootToken)
	must(t, err)
	_, err = d.Generate("9c", yubikey.KeyOptions{Algorithm: "P-384", PIN: "always", Touch: "always"})
	must(t, err)
	v := w.hold(r)
	if _, ok := v.Record.Files[record.SlotFile]; ok {
		t.Error("an imported key is attested")
	}
	if !slices.ContainsFunc(v.Claims, func(c Claim) bool { return c.People && strings.Contains(c.Text, "made on a host") }) {
		t.Errorf("no claim says that the key was imported: %v", v.Claims)
	}
	if second := w.hold(w.renewal(v)); len(second.Issued) != 1 {
		t.Errorf("issued %v", second.Issued)
	}
}
