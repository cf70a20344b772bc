package show

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Invite writes a challenge for a holder and says what to do with it.
func Invite(f *cmdutil.Factory, holder string) error {
	d, err := trustdir.Open(f.Dir)
	if err != nil {
		return err
	}
	token, slot, err := holders.Planned(d, holder)
	if err != nil {
		return err
	}
	path, err := holders.Invite(d, holder, f.Now)
	if err != nil {
		return err
	}
	f.Progress("keep this file and send %s a copy, to answer within 14 days:\n  trustroot tuf join challenge.json --serial %d --slot %s --out %s.json", holder, token, slot, holder)
	if f.JSON {
		return cmdutil.PrintJSON(f.Out, map[string]any{"challenge": path, "holder": holder, "token": token, "slot": slot})
	}
	return cmdutil.PrintText(f.Out, path+"\n")
}
