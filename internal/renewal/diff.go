package renewal

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/lint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// compareRenewals drafts what the new plan says and holds it against the
// certificates that exist.
func compareRenewals(d *trustdir.Dir, p *plan.Plan, r *Renewals) error {
	known, err := draft.Certificates(d)
	if err != nil {
		return err
	}
	drafts, err := draft.Drafts(p, known)
	if err != nil {
		return err
	}
	var problems []error
	for i := range r.Renewals {
		n := &r.Renewals[i]
		if _, isAuthority := p.Authorities[n.Name]; !isAuthority {
			was, wasURL := p.PlaceOf(n.Name, n.Generation-1)
			is, isURL := p.PlaceOf(n.Name, n.Generation)
			n.Summary = "a new key, and nothing else"
			if was != is || wasURL != isURL {
				n.Summary = fmt.Sprintf("a new key, and from now on origin %q (was %q), URL %s (was %s)", is, was, isURL, wasURL)
			}
			continue
		}
		var drafted draft.Draft
		if at := slices.IndexFunc(drafts, func(d draft.Draft) bool { return d.Authority == n.Name && d.Generation == n.Generation }); at >= 0 {
			drafted = drafts[at]
		}
		for _, f := range drafted.Findings {
			if f.Severity == lint.Error {
				problems = append(problems, fmt.Errorf("%s: %s", trustdir.GenerationName(n.Name, n.Generation), f))
			}
		}
		if drafted.Certificate == nil {
			continue
		}
		old := known[n.Name][n.Generation-2]
		n.Diff = draft.Differences(old, drafted.Certificate, !n.NewKey)
		n.Summary = summary(n.Diff)
		n.Overlap = &Overlap{From: drafted.Certificate.NotBefore.UTC(), To: ledger.Newest(d.State.Authorities[n.Name]).Certificate.NotAfter}
	}
	if err := errors.Join(problems...); err != nil {
		return fault.New(fault.Usage, "change the named field of the plan; nothing was written", err)
	}
	return nil
}

// summary says whether anything differs that a reviewer must look at.
func summary(differences []draft.Difference) string {
	expected := map[string]bool{}
	var others []string
	for _, d := range differences {
		if what, ok := draft.WhatAlwaysDiffers[d.Field]; ok {
			expected[what] = true
			continue
		}
		others = append(others, d.Field)
	}
	if len(others) > 0 {
		return "LOOK: these differ as well: " + strings.Join(others, ", ")
	}
	if expected["key"] {
		return "only key, serial and dates differ"
	}
	return "only serial and dates differ: the key stays"
}
