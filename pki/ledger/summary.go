package ledger

import (
	"fmt"
	"strings"
	"time"
)

// Summary says in one line what an entry records.
func (e Entry) Summary() string {
	switch {
	case e.Created != nil:
		return e.Created.Organization
	case e.Request != nil:
		return fmt.Sprintf("request %d for ceremony %s", e.Request.Sequence, e.Request.Ceremony)
	case e.Certificate != nil:
		c := e.Certificate
		return fmt.Sprintf("%s g%d, serial %s, until %s", c.Authority, c.Generation, c.Serial, c.NotAfter.Format(time.DateOnly))
	case e.Withheld != nil:
		return fmt.Sprintf("%s, serial %s, never left: %s", e.Withheld.Authority, e.Withheld.Serial, e.Withheld.Reason)
	case e.Log != nil:
		return fmt.Sprintf("%s g%d, origin %s, from %s", e.Log.Name, e.Log.Generation, e.Log.Origin, e.Log.Start.Format(time.DateOnly))
	case e.App != nil:
		return fmt.Sprintf("%s g%d", e.App.Name, e.App.Generation)
	case e.Online != nil:
		return fmt.Sprintf("%s g%d", OnlineKey, e.Online.Generation)
	case e.Cutover != nil:
		return fmt.Sprintf("%s at %s", strings.Join(e.Cutover.Names, ", "), e.Cutover.At.Format(time.RFC3339))
	case e.Compromise != nil:
		return fmt.Sprintf("%s g%d since %s: %s", e.Compromise.Name, e.Compromise.Generation, e.Compromise.Since.Format(time.RFC3339), e.Compromise.Reason)
	case e.CRL != nil:
		return fmt.Sprintf("CRL %d of %s g%d, %d revoked, next by %s", e.CRL.Number, e.CRL.Issuer, e.CRL.Generation, len(e.CRL.Revoked), e.CRL.NextUpdate.Format(time.DateOnly))
	case e.Promote != nil:
		return fmt.Sprintf("%s g%d is trusted from now on", e.Promote.Name, e.Promote.Generation)
	case e.Ended != nil:
		return fmt.Sprintf("%s g%d %s at %s", e.Ended.Name, e.Ended.Generation, e.Ended.What, e.Ended.At.Format(time.RFC3339))
	case e.Incident != nil:
		return "published without the ledger and kept, " + e.Incident.File.Path + ": " + e.Incident.Reason
	case e.GivenUp != nil:
		return fmt.Sprintf("head %.16s of %s is given up: %s", e.GivenUp.Head, e.GivenUp.Of, e.GivenUp.Reason)
	case e.Material != nil:
		return e.Material.String()
	case e.Record != nil:
		return "record of ceremony " + e.Record.Ceremony
	}
	return ""
}
