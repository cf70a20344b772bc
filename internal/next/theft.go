package next

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/renewal"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// theft is what a compromise makes urgent: the root that stands by, new keys in
// place of those that ended, and CRLs that revoke what the root issued.
func (w *way) theft() {
	roots := w.State.Authorities[plan.RootAuthority]
	live := slices.ContainsFunc(roots, func(g ledger.Generation) bool { return g.Live() })
	if stands := slices.ContainsFunc(roots, func(g ledger.Generation) bool { return g.Standby }); len(roots) > 0 && !live {
		if stands {
			w.add(Step{Who: Administrator, What: "The root is lost: have verifiers trust the one that stands by"}, "promote")
		} else {
			w.add(Step{Who: Administrator, What: "The root is lost: make another one, on a token of its own"}, "renew root --new-key --token SERIAL --ceremony NAME --day "+w.now.Format(time.DateOnly)+" --write")
		}
		return // nothing is issued before that
	}
	if g := ledger.Newest(w.State.Online); w.Plan.TUF != nil && g != nil && g.Compromised != nil && w.Plan.TUF.OnlineKey.SPKISHA256 == g.Key() {
		w.add(Step{Who: Administrator, What: fmt.Sprintf("The online key is stolen: raise tuf.online_key to generation %d in the plan, without key and pin, make it, have it pinned, and stage a root that drops the old one", w.Plan.TUF.OnlineKey.Generation+1)},
			"kms create --write", "tuf stage root --drop-online-key")
	}
	for _, o := range renewal.Replacements(w.Dir, w.now) {
		w.add(Step{Who: Administrator, What: "Plan new keys in place of those that were stolen: " + strings.Join(o.Names, ", ")}, o.Command())
	}
}

// revocations are the CRLs that a theft asks for and that the next ceremony does
// not sign: of each root that issued what was stolen, while its token is there.
func (w *way) revocations(ceremony string) {
	for _, g := range w.State.Authorities[plan.RootAuthority] {
		if w.Plan.Authorities[plan.RootAuthority].CRL == nil || g.Retired != nil || g.Destroyed != nil || ceremony != "" && w.Plan.RootOf(ceremony) == g.Number {
			continue
		}
		last := w.State.LastCRL(plan.RootAuthority, g.Number)
		if !slices.ContainsFunc(w.State.Under(plan.RootAuthority, g.Number), func(b ledger.Generation) bool {
			return b.Compromised != nil && b.Certificate.Issuer == plan.RootAuthority && b.Certificate.NotAfter.After(w.now) &&
				(last == nil || !slices.Contains(last.Revoked, b.Certificate.Serial))
		}) {
			continue
		}
		s := Step{Who: Administrator, What: fmt.Sprintf("Have root g%d revoke what was stolen: a ceremony at its token, for the CRL", g.Number)}
		commands := []string{fmt.Sprintf("request create --crl %d --out STICK", g.Number)}
		if g.Compromised != nil {
			s.What += ". Without the token no CRL can be made, and verifiers go by the closed windows: then record its end"
			commands = append(commands, fmt.Sprintf("retire root --generation %d", g.Number))
		}
		w.add(s, commands...)
	}
}
