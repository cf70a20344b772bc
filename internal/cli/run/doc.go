// Package run holds the commands that keep a published trust root running:
// what is due, renewals, switches, records that come back, and the services.
package run

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newNextCmd(f), newStatusCmd(f), newRenewCmd(f), newCutoverCmd(f),
			newCompromiseCmd(f), newPromoteCmd(f), newRetireCmd(f)),
		cmdutil.Under("ceremony", newCeremonyAcceptCmd(f), newCeremonyAnchorCmd(f)),
		cmdutil.Under("ledger", newLedgerAdoptCmd(f), newLedgerGiveUpCmd(f)),
		cmdutil.Under("material", newMaterialRecordCmd(f), newMaterialInspectedCmd(f), newMaterialShowCmd(f)),
		cmdutil.Under("audit", newAuditPackCmd(f), newAuditCheckCmd(f)),
		cmdutil.Under("services", newServicesRenderCmd(f), newServicesCheckCmd(f)),
	}
}
