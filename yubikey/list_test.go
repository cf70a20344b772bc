//go:build cgo

package yubikey

import (
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

func TestList_TwoTokens(t *testing.T) {
	f := plug(t, virtual.Firmware574, virtual.Firmware543)
	f[0].withKey(t, "9c", rootKey)
	infos, err := List(t.Context())
	mustDo(t, err)
	if len(infos) != 2 {
		t.Fatalf("got %+v", infos)
	}
	a, b := infos[0], infos[1]
	if a.Identity.Serial != 1001 {
		a, b = b, a
	}
	if a.Problem != nil || len(a.Slots) != 1 || a.Slots[0].Slot != "9c" || a.Slots[0].Algorithm != "P-384" || len(a.Warnings) != 0 {
		t.Errorf("got %+v", a)
	}
	if a.PINRetries != 5 || a.PUKRetries != 5 || a.Identity.Firmware != (Version{5, 7, 4}) || a.Identity.FormFactor != "USB-C Keychain" {
		t.Errorf("got %+v", a)
	}
	warnings := strings.Join(b.Warnings, "\n")
	if b.Identity.Serial != 1002 || len(b.Slots) != 0 || strings.Count(warnings, "factory's") != 3 || !strings.Contains(warnings, "EUCLEAK") {
		t.Errorf("got %+v", b)
	}
	for _, one := range f {
		if sent := one.since(); strings.Contains(sent, "24") || strings.Contains(sent, "87") || strings.Contains(sent, "2c") {
			t.Errorf("%d was sent %s", one.Serial(), sent)
		}
	}
}
