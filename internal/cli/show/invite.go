package show

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/ceremony"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/holders"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/tuf"
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
	f.Progress("send %s to %s: it says what to do, within 14 days", path, holder)
	return f.Print(map[string]any{"challenge": path, "holder": holder, "token": token, "slot": slot}, path+"\n")
}

// AcceptHolder checks a holder's reply and files it.
func AcceptHolder(f *cmdutil.Factory, file string, rehearsal bool) error {
	data, err := cmdutil.ReadFile(file)
	if err != nil {
		return err
	}
	d, err := trustdir.Open(f.Dir)
	if err != nil {
		return err
	}
	roots, err := ceremony.Roots(d.Plan, rehearsal)
	if err != nil {
		return err
	}
	holder, err := holders.Accept(d, data, roots, f.Now)
	if err != nil {
		return err
	}
	id, err := tuf.KeyID(holder.PublicKey)
	if err != nil {
		return err
	}
	f.Progress("%s is on file in holders/%s", holder.Name, holder.Name)
	return f.Print(map[string]string{"holder": holder.Name, "keyid": id}, fmt.Sprintf("%s  %s\n", id, holder.Name))
}
