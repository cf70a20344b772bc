package ceremony

import (
	"context"
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// minFirmware is the first firmware that does not leak ECDSA keys to whoever
// holds the token (YSA-2024-03).
var minFirmware = yubikey.Version{5, 7, 0}

// identity is what the journal keeps of the token.
type identity struct {
	Serial     uint32  `json:"serial"`
	Firmware   string  `json:"firmware"`
	Remembered *memory `json:"remembered"` // null where the token remembers no request
}

// identify opens the token, refuses any but the plan's, and refuses a request
// that is not newer than the newest one that the token remembers. It only
// reads.
func (d *day) identify(ctx context.Context) error {
	if err := openToken(ctx, d); err != nil {
		return err
	}
	remembered, err := readMemory(d)
	if err != nil {
		return err
	}
	id := d.device.Identity()
	if err := d.journal.Note(journal.KindDevice, "", identity{id.Serial, id.Firmware.String(), remembered}); err != nil {
		return err
	}
	return checkNewer(d, remembered)
}

func openToken(ctx context.Context, d *day) error {
	device, err := d.Open(ctx, d.Serial)
	if err != nil {
		return err
	}
	d.device = device
	id := device.Identity()
	if id.Serial != d.plan.Token {
		return fault.New(fault.Device, "put in the token that the plan names",
			fmt.Errorf("this is token %d, the plan's ceremony is for token %d", id.Serial, d.plan.Token))
	}
	if id.Firmware.Less(minFirmware) && !d.Request.Plan.Allows(plan.ExceptionOldFirmware) {
		return fault.New(fault.Device, "use a token with firmware 5.7 or later, or name the exception "+plan.ExceptionOldFirmware+" in the plan",
			fmt.Errorf("token %d has firmware %s, whose ECDSA keys can be extracted by whoever holds it (YSA-2024-03)", id.Serial, id.Firmware))
	}
	return nil
}
