// Package run holds the commands that keep a published trust root running:
// what is due, renewals, switches, records that come back, and the services.
package run

import (
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
)

// Commands are the commands of this package.
func Commands(f *cmdutil.Factory) []cmdutil.Group {
	return []cmdutil.Group{
		cmdutil.Under("", newNextCmd(f, runNext), newStatusCmd(f, runStatus), newRenewCmd(f, runRenew), newCutoverCmd(f, runCutover),
			newCompromiseCmd(f, runCompromise), newPromoteCmd(f, runPromote), newRetireCmd(f, runRetire)),
		cmdutil.Under("ceremony", newCeremonyAcceptCmd(f, runCeremonyAccept), newCeremonyAnchorCmd(f, runCeremonyAnchor)),
		cmdutil.Under("ledger", newLedgerAdoptCmd(f, runLedgerAdopt), newLedgerGiveUpCmd(f, runLedgerGiveUp)),
		cmdutil.Under("material", newMaterialRecordCmd(f, runMaterialRecord), newMaterialInspectedCmd(f, runMaterialInspected), newMaterialShowCmd(f, runMaterialShow)),
		cmdutil.Under("audit", newAuditPackCmd(f, runAuditPack), newAuditCheckCmd(f, runAuditCheck)),
		cmdutil.Under("services", newServicesRenderCmd(f, runServicesRender), newServicesCheckCmd(f, runServicesCheck)),
	}
}
